import CProtobuf
import SparrowCore

/// Turns tensor messages into tensors: in place where the file holds row-major elements, else by
/// decoding the typed fields.
struct TensorDecoder {
  let source: WireSource
  var external: ExternalData

  mutating func tensor(_ message: TensorMessage) throws(FormatError) -> Tensor {
    let (dtype, shape, count) = try type(message)
    let label = message.label
    guard let bytes = dtype.packedByteCount(count),
      !count.multipliedReportingOverflow(by: dtype.size).overflow
    else {
      throw message.wire.malformed("\(label) has more elements than memory can hold")
    }
    if message.isSegment {
      throw message.wire.unsupported("\(label) is a segment of a larger tensor: not supported")
    }
    if message.isExternal {
      let content = try external.bytes(message, count: bytes, source)
      return Tensor(dtype, shape, packed: content)
    }
    if let raw = message.raw {
      guard raw.count == bytes else {
        throw source.malformed(
          raw.offset,
          "\(label) holds \(raw.count) bytes, its type \(dtype.name)\(shape) takes \(bytes)")
      }
      return Tensor(dtype, shape, packed: try raw.bytes(label))
    }
    // Elements of fewer than 8 bits are packed in the typed field as well, a byte an entry.
    let entries = dtype.bits < 8 ? bytes : count
    return Tensor(
      dtype, shape, packed: try typed(message, dtype, count: entries, bytes: bytes))
  }

  private func type(
    _ message: TensorMessage
  ) throws(FormatError) -> (dtype: DType, shape: [Int], count: Int) {
    let label = message.label
    guard let dtype = DType(onnx: message.dataType) else {
      throw message.wire.unsupported(
        "\(label) has \(DType.onnxName(message.dataType)) elements: not supported")
    }
    let (shape, count) = try self.shape(message.dims, label, message.wire)
    return (dtype, shape, count)
  }

  /// Dimensions of a tensor, checked.
  func shape(
    _ dims: [Int64], _ label: String, _ wire: WireMessage
  ) throws(FormatError) -> (shape: [Int], count: Int) {
    var shape: [Int] = []
    for length in dims {
      guard length >= 0 else {
        throw wire.malformed("\(label) has the negative dimension \(length)")
      }
      guard length <= ONNXLimits.dimension, let value = Int(exactly: length) else {
        throw .overLimit(
          file: source.file, offset: wire.offset, what: "a dimension of \(label)",
          found: UInt64(length), limit: UInt64(ONNXLimits.dimension))
      }
      shape.append(value)
    }
    // Zeros aside, so that a zero does not hide an overflow that strides would run into.
    guard shape.map({ Swift.max($0, 1) }).checkedElementCount != nil,
      let count = shape.checkedElementCount
    else { throw wire.malformed("the dimensions of \(label) overflow: \(shape)") }
    return (shape, count)
  }

  /// The elements in a typed field: float_data (4), int32_data (5), int64_data (7),
  /// double_data (10) or uint64_data (11).
  private func typed(
    _ message: TensorMessage, _ dtype: DType, count: Int, bytes: Int
  ) throws(FormatError) -> Bytes {
    let label = message.label
    let number = dtype.onnxDataField
    for other in message.typedFields where other != number {
      throw message.wire.malformed(
        "\(label) has \(dtype.name) elements, but its data is in field \(other), "
          + "expected \(number) or raw_data")
    }
    // Each element takes a byte of the message at least: no memory is spent on an absurd shape.
    guard count <= message.wire.count else {
      throw message.wire.malformed(
        "\(label) has \(count) elements by its shape, but takes only \(message.wire.count) bytes")
    }
    let reader = TypedFieldReader(
      message: message.wire, number: number, dtype: dtype, label: label)
    if let inPlace = try reader.wholeField(bytes: bytes) { return inPlace }
    return try Bytes(count: bytes) { target throws(FormatError) in
      try reader.fill(target, count: count)
    }
  }
}

/// Reads the elements of one typed data field of a tensor message.
private struct TypedFieldReader {
  let message: WireMessage
  let number: UInt32
  let dtype: DType
  let label: String

  private var isFixed: Bool { number == 4 || number == 10 }

  private var elementWireType: Int {
    isFixed ? (dtype.size == 4 ? SP_WIRE_FIXED32 : SP_WIRE_FIXED64) : SP_WIRE_VARINT
  }

  /// A packed field of fixed-size elements is row-major memory already.
  func wholeField(bytes: Int) throws(FormatError) -> Bytes? {
    guard isFixed else { return nil }
    var wire = message
    var found: WireField?
    while let field = try wire.next() {
      guard field.number == number else { continue }
      guard found == nil, field.isPacked, field.count == bytes else { return nil }
      found = field
    }
    return try found?.bytes(label)
  }

  func fill(_ target: UnsafeMutableRawBufferPointer, count: Int) throws(FormatError) {
    var wire = message
    var written = 0
    while let field = try wire.next() {
      guard field.number == number else { continue }
      if field.isPacked {
        try isFixed
          ? copy(field, target, &written, count) : decode(field, target, &written, count)
      } else {
        guard field.wireType == elementWireType else {
          throw field.source.malformed(
            field.offset, "the data of \(label) has wire type \(field.wireType)")
        }
        try checkRoom(written, 1, count, field)
        store(field.value, target, written)
        written += 1
      }
    }
    guard written == count else {
      throw message.malformed("\(label) holds \(written) elements, its shape takes \(count)")
    }
  }

  private func checkRoom(
    _ written: Int, _ extra: Int, _ count: Int, _ field: WireField
  ) throws(FormatError) {
    guard extra <= count - written else {
      throw field.source.malformed(
        field.offset, "\(label) holds more than the \(count) elements that its shape takes")
    }
  }

  private func copy(
    _ field: WireField, _ target: UnsafeMutableRawBufferPointer, _ written: inout Int, _ count: Int
  ) throws(FormatError) {
    let extra = field.count / dtype.size
    guard field.count == extra * dtype.size else {
      throw field.source.malformed(field.offset, "the packed data of \(label) breaks off")
    }
    try checkRoom(written, extra, count, field)
    let content = try field.bytes(label)
    target.baseAddress?.advanced(by: written * dtype.size)
      .copyMemory(from: content.pointer, byteCount: content.count)
    written += extra
  }

  private func decode(
    _ field: WireField, _ target: UnsafeMutableRawBufferPointer, _ written: inout Int, _ count: Int
  ) throws(FormatError) {
    let content = try field.bytes(label)
    let base = content.pointer.assumingMemoryBound(to: UInt8.self)
    let extra = sp_wire_varint_count(base, content.count)
    try checkRoom(written, extra, count, field)
    var values = [UInt64](repeating: 0, count: extra)
    guard sp_wire_varints(base, content.count, &values, extra) else {
      throw field.source.malformed(field.offset, "the packed data of \(label) is damaged")
    }
    for value in values {
      store(value, target, written)
      written += 1
    }
  }

  /// The low bytes of a varint or fixed field are the element: small integers are sign-extended,
  /// 16-bit floats keep their bit pattern.
  private func store(_ value: UInt64, _ target: UnsafeMutableRawBufferPointer, _ index: Int) {
    switch dtype.size {
    case 1:
      let byte = dtype == .bool ? (value == 0 ? 0 : 1) : UInt8(truncatingIfNeeded: value)
      target.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
    case 2:
      target.storeBytes(
        of: UInt16(truncatingIfNeeded: value), toByteOffset: index * 2, as: UInt16.self)
    case 4:
      target.storeBytes(
        of: UInt32(truncatingIfNeeded: value), toByteOffset: index * 4, as: UInt32.self)
    default: target.storeBytes(of: value, toByteOffset: index * 8, as: UInt64.self)
    }
  }
}

extension DType {
  /// The element type of that TensorProto.DataType; nil for those Sparrow does not have.
  init?(onnx code: Int32) {
    guard let raw = UInt8(exactly: code) else { return nil }
    self.init(rawValue: raw)
  }

  /// The operator set that first has the type, where newer than others.
  var opset: Int {
    switch self {
    case .uint2, .int2: 25
    case .float8e8m0: 24
    case .float4e2m1: 23
    default: 1
    }
  }

  /// The TensorProto field that holds elements when raw_data does not.
  var onnxDataField: UInt32 {
    switch self {
    case .float32: 4
    case .uint8, .int8, .uint16, .int16, .int32, .bool, .float16, .bfloat16, .uint4, .int4, .uint2,
      .int2, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      5
    case .int64: 7
    case .float64: 10
    case .uint32, .uint64: 11
    }
  }

  /// The name of a TensorProto.DataType, for messages.
  static func onnxName(_ code: Int32) -> String {
    switch code {
    case 0: "undefined"
    case 8: "string"
    case 14, 15: "complex"
    case 27, 28: "6-bit floating-point"
    default: DType(onnx: code)?.name ?? "unknown (type \(code))"
    }
  }
}
