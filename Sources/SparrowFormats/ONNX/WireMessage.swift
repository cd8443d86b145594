import CProtobuf
import SparrowCore

/// A file's bytes with its name for messages.
struct WireSource {
  let file: String
  let bytes: Bytes
  /// How many graphs are around what is read.
  var depth = 0

  init(file: String, bytes: Bytes) { (self.file, self.bytes) = (file, bytes) }

  func malformed(_ offset: Int?, _ reason: String) -> FormatError {
    .malformed(file: file, offset: offset, reason: reason)
  }

  func unsupported(_ offset: Int?, _ reason: String) -> FormatError {
    .unsupported(file: file, offset: offset, reason: reason)
  }

  /// Throws when a count that the file controls goes beyond a limit.
  func check(_ found: Int, _ limit: Int, _ what: String, at offset: Int?) throws(FormatError) {
    guard found > limit else { return }
    throw .overLimit(
      file: file, offset: offset, what: what, found: UInt64(found), limit: UInt64(limit))
  }
}

/// An encoded protobuf message inside a file: a cursor over its fields.
struct WireMessage {
  private(set) var source: WireSource
  /// For messages: `"a node"`.
  let what: String
  /// In the file.
  let offset: Int
  let count: Int
  private var position = 0

  init(_ source: WireSource, _ what: String) {
    (self.source, self.what) = (source, what)
    (offset, count) = (0, source.bytes.count)
  }

  init(_ field: WireField, _ what: String) {
    (source, self.what) = (field.source, what)
    (offset, count) = (field.contentOffset, field.count)
  }

  /// The message as one inside a further graph.
  func nested() throws(FormatError) -> WireMessage {
    var inner = self
    inner.source.depth += 1
    try source.check(
      inner.source.depth, ONNXLimits.nesting, "the number of graphs inside each other", at: offset)
    return inner
  }

  /// The next field; nil at the end.
  mutating func next() throws(FormatError) -> WireField? {
    let base = source.bytes.pointer.assumingMemoryBound(to: UInt8.self) + offset
    let start = position
    var raw = sp_wire_field()
    switch sp_wire_next(base, count, &position, &raw) {
    case SP_WIRE_FIELD:
      return WireField(
        source: source, number: raw.number, wireType: raw.wire_type, value: raw.value,
        offset: offset + start, contentOffset: offset + raw.offset, count: raw.count)
    case SP_WIRE_END: return nil
    default:
      throw source.malformed(
        offset + start, "\(what) is damaged or cut off: no field can be read here")
    }
  }

  func malformed(_ reason: String) -> FormatError { source.malformed(offset, reason) }
  func unsupported(_ reason: String) -> FormatError { source.unsupported(offset, reason) }
}

/// One field of a message. The accessors check the wire type.
struct WireField {
  let source: WireSource
  let number: UInt32
  let wireType: Int32
  /// Of a varint or fixed field.
  let value: UInt64
  /// Of the field's tag, in the file.
  let offset: Int
  /// Of a bytes field's content, in the file.
  let contentOffset: Int
  /// Of a bytes field's content.
  let count: Int

  var isPacked: Bool { wireType == SP_WIRE_BYTES }

  private func require(_ type: Int, _ what: String) throws(FormatError) {
    guard wireType == type else {
      throw source.malformed(offset, "\(what) has wire type \(wireType), expected \(type)")
    }
  }

  func int64(_ what: String) throws(FormatError) -> Int64 {
    try require(SP_WIRE_VARINT, what)
    return Int64(bitPattern: value)
  }

  /// An int32 or enumeration: protobuf keeps the low 32 bits of the varint.
  func int32(_ what: String) throws(FormatError) -> Int32 {
    Int32(truncatingIfNeeded: try int64(what))
  }

  func float(_ what: String) throws(FormatError) -> Float {
    try require(SP_WIRE_FIXED32, what)
    return Float(bitPattern: UInt32(truncatingIfNeeded: value))
  }

  /// The content, in place.
  func bytes(_ what: String) throws(FormatError) -> Bytes {
    try require(SP_WIRE_BYTES, what)
    return source.bytes.slice(contentOffset, count)
  }

  func string(_ what: String, limit: Int = ONNXLimits.nameBytes) throws(FormatError) -> String {
    let content = try bytes(what)
    try source.check(content.count, limit, "the length of \(what)", at: offset)
    guard let text = String(validating: content.array(of: UInt8.self), as: UTF8.self) else {
      throw source.malformed(offset, "\(what) is not valid UTF-8")
    }
    return text
  }

  func message(_ what: String) throws(FormatError) -> WireMessage {
    try require(SP_WIRE_BYTES, what)
    return WireMessage(self, what)
  }

  /// Appends the integers of a repeated field, packed or not.
  func appendInt64(to list: inout [Int64], _ what: String, limit: Int) throws(FormatError) {
    guard isPacked else {
      list.append(try int64(what))
      return try source.check(list.count, limit, "the number of \(what)", at: offset)
    }
    let base = source.bytes.pointer.assumingMemoryBound(to: UInt8.self) + contentOffset
    let extra = sp_wire_varint_count(base, count)
    try source.check(list.count + extra, limit, "the number of \(what)", at: offset)
    var decoded = [UInt64](repeating: 0, count: extra)
    guard sp_wire_varints(base, count, &decoded, extra) else {
      throw source.malformed(offset, "the packed \(what) are damaged")
    }
    list += decoded.lazy.map { Int64(bitPattern: $0) }
  }

  /// Appends the numbers of a repeated float field, packed or not.
  func appendFloats(to list: inout [Float], _ what: String, limit: Int) throws(FormatError) {
    guard isPacked else {
      list.append(try float(what))
      return try source.check(list.count, limit, "the number of \(what)", at: offset)
    }
    guard count % 4 == 0 else {
      throw source.malformed(offset, "the packed \(what) take \(count) bytes, not a multiple of 4")
    }
    try source.check(list.count + count / 4, limit, "the number of \(what)", at: offset)
    list += source.bytes.slice(contentOffset, count).array(of: Float.self)
  }
}
