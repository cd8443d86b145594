import Foundation
import SparrowCore

extension Safetensors {
  /// The largest header: as the format's own library has it.
  private static var longestHeader: UInt64 { 100_000_000 }

  /// Reads a file; tensors stay where they are in it, mapped into memory.
  ///
  /// Throws where the file is not what the format says: a header that is no JSON or too long, unknown
  /// element types, and data that overlaps, leaves gaps, or does not fit its tensor's shape.
  public static func read(_ path: String) throws(FormatError) -> Safetensors {
    let bytes: Bytes
    do throws(FileError) { bytes = Bytes(try Region(mapping: path)) } catch { throw .file(error) }
    let (header, start) = try self.header(bytes, path)
    var metadata: [String: String] = [:]
    var entries: [Entry] = []
    for (name, value) in header {
      guard name == metadataKey else {
        entries.append(try Entry(name, value, path))
        continue
      }
      guard let texts = value as? [String: String] else {
        throw .malformed(file: path, offset: 8, reason: "\(metadataKey) is no list of texts")
      }
      metadata = texts
    }
    entries.sort { ($0.begin, $0.end, $0.name) < ($1.begin, $1.end, $1.name) }
    var next = 0
    var tensors: [(name: String, tensor: Tensor)] = []
    for entry in entries {
      guard entry.begin == next, entry.end <= bytes.count - start else {
        throw .malformed(
          file: path, offset: 8,
          reason: "the data of '\(entry.name)' is at \(entry.begin) to \(entry.end), expected from "
            + "\(next) on and within the file's \(bytes.count - start) bytes of data")
      }
      next = entry.end
      tensors.append((entry.name, entry.tensor(bytes, start)))
    }
    guard next == bytes.count - start else {
      throw .malformed(
        file: path, offset: start + next,
        reason: "\(bytes.count - start - next) bytes of data belong to no tensor")
    }
    return Safetensors(tensors, metadata: metadata)
  }

  /// The header, and where data begins.
  private static func header(
    _ bytes: Bytes, _ path: String
  ) throws(FormatError) -> (header: [String: Any], start: Int) {
    guard bytes.count >= 8 else {
      throw .malformed(
        file: path, offset: 0, reason: "the file has \(bytes.count) bytes, expected 8 or more")
    }
    let length = UInt64(littleEndian: bytes.pointer.loadUnaligned(as: UInt64.self))
    guard length <= longestHeader else {
      throw .overLimit(
        file: path, offset: 0, what: "the header's length", found: length, limit: longestHeader)
    }
    guard length <= UInt64(bytes.count - 8) else {
      throw .malformed(
        file: path, offset: 0,
        reason: "the header has \(length) bytes, but only \(bytes.count - 8) follow")
    }
    let text = bytes.slice(8, Int(length)).withUnsafeBytes { Data($0) }
    guard let header = (try? JSONSerialization.jsonObject(with: text)) as? [String: Any] else {
      throw .malformed(file: path, offset: 8, reason: "the header is no JSON object")
    }
    return (header, 8 + Int(length))
  }
}

/// What the header says of a tensor.
private struct Entry {
  let name: String
  let dtype: DType
  let shape: [Int]
  let begin: Int
  let end: Int

  init(_ name: String, _ value: Any, _ path: String) throws(FormatError) {
    func malformed(_ reason: String) -> FormatError {
      .malformed(file: path, offset: 8, reason: "'\(name)' \(reason)")
    }
    guard let fields = value as? [String: Any] else { throw malformed("is no JSON object") }
    let type = fields["dtype"] as? String
    guard let type, let element = ElementName(rawValue: type) else {
      let known = ElementName.allCases.map { $0.rawValue }.joined(separator: ", ")
      throw malformed("has the type '\(type ?? "none")', expected one of \(known)")
    }
    guard let shape = Self.counts(fields["shape"]) else {
      throw malformed("has no shape of whole numbers")
    }
    guard let offsets = Self.counts(fields["data_offsets"]), offsets.count == 2,
      offsets[0] <= offsets[1]
    else { throw malformed("has no two data_offsets in order") }
    guard let count = shape.checkedElementCount else {
      throw malformed("has the shape \(shape), which is too large")
    }
    let (size, overflows) = count.multipliedReportingOverflow(by: element.dtype.size)
    guard !overflows, size == offsets[1] - offsets[0] else {
      throw malformed(
        "has \(offsets[1] - offsets[0]) bytes, but \(type) of the shape \(shape) takes another number"
      )
    }
    (self.name, dtype, self.shape) = (name, element.dtype, shape)
    (begin, end) = (offsets[0], offsets[1])
  }

  /// Whole numbers from 0; nil for anything else.
  private static func counts(_ value: Any?) -> [Int]? {
    guard let list = value as? [Any] else { return nil }
    let numbers = list.compactMap { ($0 as? NSNumber).flatMap { Int(exactly: $0.doubleValue) } }
    return numbers.count == list.count && numbers.allSatisfy { $0 >= 0 } ? numbers : nil
  }

  func tensor(_ bytes: Bytes, _ start: Int) -> Tensor {
    Tensor(dtype: dtype, shape: shape, bytes: bytes.slice(start + begin, end - begin))
  }
}
