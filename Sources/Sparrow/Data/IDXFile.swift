import SparrowCore
import SparrowFormats
import SparrowRuntime

/// IDX files, the format of MNIST and its family, as they are or compressed by gzip.
///
/// ```
/// 0 0, element type, number of axes     a byte each
/// the length of each axis               32 bits, big-endian
/// elements, the last axis fastest       big-endian
/// ```
/// (LeCun, Cortes and Burges, The MNIST database of handwritten digits, "file formats".)
enum IDXFile {
  /// Axes of a file that is read; MNIST has three.
  private static let largestRank = 8
  /// Deflate makes nothing smaller than about a thousandth: a header that promises more is wrong.
  private static let largestRatio = 1100

  /// Reads the array; one of bytes that is not compressed stays in the mapped file.
  static func read(_ path: String) throws(FormatError) -> Tensor {
    let region: Region
    do throws(FileError) {
      region = try Region(mapping: path)
    } catch {
      throw .file(error)
    }
    do throws(ReadError) {
      return try parse(Bytes(region))
    } catch {
      throw FormatError(error, file: path)
    }
  }

  /// Reads an array that is in memory already.
  static func parse(_ stored: Bytes) throws(ReadError) -> Tensor {
    let isCompressed = Gzip.isCompressed(stored)
    let beginning = isCompressed ? try Gzip.first(4 + 4 * largestRank, of: stored) : stored
    let header = try header(beginning)
    guard let count = header.shape.checkedElementCount,
      case let (size, overflow) = count.multipliedReportingOverflow(by: header.dtype.size),
      !overflow, case let (whole, tooLarge) = size.addingReportingOverflow(header.count), !tooLarge
    else { throw .malformed(offset: 4, reason: "an array of shape \(header.shape) is too large") }
    var bytes = stored
    if isCompressed {
      guard whole / largestRatio <= stored.count else {
        throw .malformed(
          offset: 4,
          reason: "an array of shape \(header.shape) cannot be in \(stored.count) compressed bytes")
      }
      bytes = try Gzip.inflate(stored, count: whole)
    }
    guard bytes.count == whole else {
      throw bytes.count < whole
        ? .truncated(
          offset: bytes.count, needed: whole - bytes.count, what: "an array of \(header.shape)")
        : .malformed(offset: whole, reason: "bytes follow the end of an array of \(header.shape)")
    }
    let elements = bytes.slice(header.count, size)
    return tensor(header.dtype, header.shape, elements)
  }

  private static func header(
    _ bytes: Bytes
  ) throws(ReadError) -> (dtype: DType, shape: [Int], count: Int) {
    var cursor = ByteCursor(bytes)
    let zeros: UInt16 = try cursor.integer("the IDX header")
    let code: UInt8 = try cursor.integer("the element type")
    let rank: UInt8 = try cursor.integer("the number of axes")
    let types: [UInt8: DType] = [
      0x08: .uint8, 0x09: .int8, 0x0B: .int16, 0x0C: .int32, 0x0D: .float32, 0x0E: .float64,
    ]
    guard zeros == 0, let dtype = types[code] else {
      throw .malformed(
        offset: 0,
        reason: "it begins with \(String(zeros.byteSwapped, radix: 16)) and \(code), expected two "
          + "zeros and an element type of IDX: 8, 9, 11, 12, 13 or 14")
    }
    guard (1...largestRank).contains(Int(rank)) else {
      throw .malformed(offset: 3, reason: "it has \(rank) axes, expected 1 to \(largestRank)")
    }
    var shape: [Int] = []
    for axis in 0..<Int(rank) {
      let length: UInt32 = try cursor.integer("the length of axis \(axis)")
      shape.append(Int(length.byteSwapped))
    }
    return (dtype, shape, cursor.offset)
  }

  private static func tensor(_ dtype: DType, _ shape: [Int], _ elements: Bytes) -> Tensor {
    let swapped: Bytes
    switch dtype.size {
    case 2: swapped = Bytes(copying: elements.array(of: UInt16.self).map { $0.byteSwapped })
    case 4: swapped = Bytes(copying: elements.array(of: UInt32.self).map { $0.byteSwapped })
    case 8: swapped = Bytes(copying: elements.array(of: UInt64.self).map { $0.byteSwapped })
    default: swapped = elements
    }
    return Tensor(dtype: dtype, shape: shape, bytes: swapped)
  }
}

extension Dataset {
  /// Reads a file of samples and the one of their labels, where there is one.
  init(idx path: String, labels labelPath: String?) throws(SparrowError) {
    let samples: Tensor
    var labels: Tensor?
    do throws(FormatError) {
      samples = try IDXFile.read(path)
      if let labelPath { labels = try IDXFile.read(labelPath) }
    } catch {
      throw .format(error)
    }
    guard samples.rank >= 2 else {
      throw .badInput(
        "\(path): it holds one number a sample, expected images; name the file of images and the "
          + "labels beside it are found")
    }
    if let labels, labels.rank != 1 || labels.count != samples.shape[0] || labels.integers == nil {
      throw .badInput(
        "\(labelPath ?? ""): it holds \(TensorType(labels.dtype, shape: labels.shape).text), expected "
          + "one label for each of the \(samples.shape[0]) images of \(path)")
    }
    self.init(samples: samples, labels: labels?.integers, path: path)
  }
}
