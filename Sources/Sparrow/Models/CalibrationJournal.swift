import Foundation
import SparrowCompress
import SparrowCore
import SparrowFormats

/// Finished layers of a calibrated compression, as `.npz` files in a folder beside its output: a run
/// that is interrupted goes on from them, and the folder is removed when the output is written.
///
/// The folder belongs to one model, recipe and set of data; a run of others begins it anew.
public struct CalibrationJournal: LayerJournal {
  public let folder: String
  /// How many layers were found finished.
  public let found: Int

  private static let signatureFile = "signature.txt"

  /// The folder of an output file. `signature` tells runs apart.
  public init(output: String, signature: String) throws(SparrowError) {
    folder = output + ".partial"
    let files = FileManager.default
    let known = try? String(
      contentsOfFile: folder + "/" + Self.signatureFile, encoding: .utf8)
    do {
      if known == signature {
        found = try files.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".npz") }.count
        return
      }
      found = 0
      if files.fileExists(atPath: folder) {
        guard known != nil else {
          throw SparrowError.badInput(
            "\(folder) is in the way of unfinished results; move it or name another output")
        }
        try files.removeItem(atPath: folder)
      }
      try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try signature.write(
        toFile: folder + "/" + Self.signatureFile, atomically: true, encoding: .utf8)
    } catch let error as SparrowError {
      throw error
    } catch {
      throw .badInput("\(folder): \(error.localizedDescription)")
    }
  }

  public func entry(for layer: String) -> [String: Tensor]? {
    guard let archive = try? NPZArchive(path: path(layer)) else { return nil }
    var result: [String: Tensor] = [:]
    for name in archive.names {
      guard let tensor = try? archive.tensor(named: name) else { return nil }
      result[name] = tensor
    }
    return result
  }

  public func record(_ entry: [String: Tensor], for layer: String) throws(CompressError) {
    let arrays = entry.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    do throws(FormatError) {
      try NPZ.write(arrays, to: path(layer))
    } catch {
      throw .spill(folder: folder)
    }
  }

  /// Removes the folder: the results are in the output.
  public func finish() { try? FileManager.default.removeItem(atPath: folder) }

  /// A layer's name may hold any character; its file's name holds letters and digits.
  private func path(_ layer: String) -> String {
    let plain = String(layer.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
    return folder + "/" + plain.prefix(80) + "-" + String(Fingerprint.of(layer), radix: 16) + ".npz"
  }
}

/// A number that stands for some bytes: in the manner of FNV-1a, a word at a time.
enum Fingerprint {
  static func of(_ text: String) -> UInt64 { Array(text.utf8).withUnsafeBytes { of($0) } }

  /// Whole words first, then the rest byte by byte.
  static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    let prime: UInt64 = 0x0000_0100_0000_01b3
    let words = bytes.count / 8
    for i in 0..<words {
      hash = (hash ^ bytes.loadUnaligned(fromByteOffset: i * 8, as: UInt64.self)) &* prime
      hash ^= hash >> 29
    }
    for i in words * 8..<bytes.count { hash = (hash ^ UInt64(bytes[i])) &* prime }
    return hash
  }
}
