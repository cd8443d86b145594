import SparrowCore
import SparrowFormats

/// CIFAR's binary files: records of a label (CIFAR-10), or of a coarse and a fine one (CIFAR-100), and
/// 32x32 pixels, all red ones first. (Krizhevsky 2009, Learning Multiple Layers of Features from Tiny
/// Images; the data's page, "binary version".)
enum CIFARFile {
  private static let pixels = 3 * 32 * 32

  /// A record's labels, the last of which counts: how many classes each has.
  enum Kind {
    case ten, hundred

    var classes: [Int] { self == .ten ? [10] : [20, 100] }
    var record: Int { classes.count + CIFARFile.pixels }
  }

  /// Which it is follows from the files' sizes: each is whole records. Where both would be, the first
  /// labels decide.
  static func kind(_ files: [Bytes]) -> Kind? {
    [Kind.ten, .hundred].first { kind in
      files.allSatisfy { bytes in
        bytes.count > 0 && bytes.count % kind.record == 0
          && bytes.slice(0, 1).array(of: UInt8.self)[0] < UInt8(kind.classes[0])
          && wrongLabel(bytes, kind) == nil
      }
    }
  }

  /// The first record whose labels are no classes.
  static func wrongLabel(_ bytes: Bytes, _ kind: Kind) -> Int? {
    bytes.withUnsafeBytes { raw -> Int? in
      for first in stride(from: 0, to: raw.count - kind.record + 1, by: kind.record) {
        for (i, classes) in kind.classes.enumerated() where raw[first + i] >= classes {
          return first / kind.record
        }
      }
      return nil
    }
  }

  /// The images of all files `[N, 3, 32, 32]` and their last labels.
  static func records(_ files: [Bytes], _ kind: Kind) -> (samples: Tensor, labels: [Int])? {
    let count = files.reduce(0) { $0 + $1.count / kind.record }
    guard let region = Region(available: count * pixels) else { return nil }
    var labels: [Int] = []
    labels.reserveCapacity(count)
    for bytes in files {
      for first in stride(from: 0, to: bytes.count, by: kind.record) {
        let record = bytes.slice(first, kind.record)
        let skipped = kind.classes.count
        labels.append(Int((record.pointer + skipped - 1).load(as: UInt8.self)))
        (region.base + (labels.count - 1) * pixels).copyMemory(
          from: record.pointer + skipped, byteCount: pixels)
      }
      withExtendedLifetime(bytes) {}
    }
    let shape = [count, 3, 32, 32]
    return (Tensor(dtype: .uint8, shape: shape, bytes: Bytes(region)), labels)
  }
}

extension Dataset {
  /// Reads binary files of CIFAR-10 or CIFAR-100, one after the other.
  init(cifar files: [String], path: String) throws(SparrowError) {
    var mapped: [Bytes] = []
    for file in files {
      do throws(FileError) {
        mapped.append(Bytes(try Region(mapping: file)))
      } catch {
        throw .format(.file(error))
      }
    }
    guard let kind = CIFARFile.kind(mapped) else { throw Self.notCIFAR(files, mapped) }
    guard let (samples, labels) = CIFARFile.records(mapped, kind) else {
      throw .badInput("\(path): there is no memory for its images")
    }
    self.init(samples: samples, labels: labels, path: path)
  }

  private static func notCIFAR(_ files: [String], _ bytes: [Bytes]) -> SparrowError {
    for (file, bytes) in zip(files, bytes) {
      let kinds = [CIFARFile.Kind.ten, .hundred].filter { bytes.count % $0.record == 0 }
      guard bytes.count > 0, let kind = kinds.first else {
        return .badInput(
          "\(file): it has \(bytes.count) bytes, expected whole records of 3073 bytes (CIFAR-10) or "
            + "3074 (CIFAR-100)")
      }
      guard let record = CIFARFile.wrongLabel(bytes, kind) else { continue }
      return .badInput("\(file): the label of record \(record) is no class of CIFAR")
    }
    return .badInput(
      "\(files.joined(separator: ", ")): some are of CIFAR-10 and some of CIFAR-100, expected one")
  }
}
