import SparrowCore

/// A protobuf message under construction, written independently of the exporter so that tests can
/// say anything, right or wrong.
struct Proto {
  var bytes: [UInt8] = []

  init(_ parts: [Proto] = []) { bytes = parts.flatMap { $0.bytes } }

  private init(number: Int, wireType: Int, _ content: [UInt8]) {
    bytes = Self.varint(UInt64(number << 3 | wireType)) + content
  }

  static func varint(_ value: UInt64) -> [UInt8] {
    var rest = value
    var result: [UInt8] = []
    while rest >= 0x80 {
      result.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    return result + [UInt8(rest)]
  }

  static func int(_ number: Int, _ value: Int64) -> Proto {
    Proto(number: number, wireType: 0, varint(UInt64(bitPattern: value)))
  }

  static func float(_ number: Int, _ value: Float) -> Proto {
    Proto(number: number, wireType: 5, littleEndian(value.bitPattern))
  }

  static func data(_ number: Int, _ content: [UInt8]) -> Proto {
    Proto(number: number, wireType: 2, varint(UInt64(content.count)) + content)
  }

  static func text(_ number: Int, _ value: String) -> Proto { data(number, Array(value.utf8)) }

  static func message(_ number: Int, _ parts: [Proto]) -> Proto {
    data(number, Proto(parts).bytes)
  }

  static func packed(_ number: Int, _ values: [Int64]) -> Proto {
    data(number, values.flatMap { varint(UInt64(bitPattern: $0)) })
  }

  static func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<MemoryLayout<T>.size).map { UInt8(truncatingIfNeeded: value >> T($0 * 8)) }
  }

  static func littleEndian(_ values: [Float]) -> [UInt8] {
    values.flatMap { littleEndian($0.bitPattern) }
  }
}

/// The messages of ONNX's schema, by field number.
extension Proto {
  static func model(opset: Int64 = 21, domain: String = "", _ graph: [Proto]) -> Proto {
    var opsets = [Proto.message(8, [.text(1, ""), .int(2, opset)])]
    if !domain.isEmpty { opsets.append(.message(8, [.text(1, domain), .int(2, 1)])) }
    return Proto([.int(1, 8)] + opsets + [.message(7, graph)])
  }

  /// A dimension is a number, or a name, or "?" for neither.
  static func value(_ number: Int, _ name: String, type: Int64 = 1, _ dims: [String]) -> Proto {
    let shape = dims.map { dim -> Proto in
      if dim == "?" { return .message(1, []) }
      return .message(1, [Int64(dim).map { .int(1, $0) } ?? .text(2, dim)])
    }
    return .message(
      number, [.text(1, name), .message(2, [.message(1, [.int(1, type), .message(2, shape)])])])
  }

  static func input(_ name: String, type: Int64 = 1, _ dims: [String]) -> Proto {
    value(11, name, type: type, dims)
  }

  static func output(_ name: String) -> Proto { .message(12, [.text(1, name)]) }

  static func node(
    _ op: String, _ inputs: [String], _ outputs: [String], name: String = "", domain: String = "",
    _ attributes: [Proto] = []
  ) -> Proto {
    .message(
      1,
      inputs.map { .text(1, $0) } + outputs.map { .text(2, $0) } + [.text(3, name), .text(4, op)]
        + attributes + (domain.isEmpty ? [] : [.text(7, domain)]))
  }

  static func attribute(_ name: String, int value: Int64) -> Proto {
    .message(5, [.text(1, name), .int(3, value), .int(20, 2)])
  }
  static func attribute(_ name: String, float value: Float) -> Proto {
    .message(5, [.text(1, name), .float(2, value), .int(20, 1)])
  }
  static func attribute(_ name: String, string value: String) -> Proto {
    .message(5, [.text(1, name), .text(4, value), .int(20, 3)])
  }
  static func attribute(_ name: String, ints values: [Int64]) -> Proto {
    .message(5, [.text(1, name)] + values.map { .int(8, $0) } + [.int(20, 7)])
  }
  static func attribute(_ name: String, floats values: [Float]) -> Proto {
    .message(5, [.text(1, name)] + values.map { .float(7, $0) } + [.int(20, 6)])
  }
  static func attribute(_ name: String, strings values: [String]) -> Proto {
    .message(5, [.text(1, name)] + values.map { .text(9, $0) } + [.int(20, 8)])
  }
  static func attribute(_ name: String, tensor parts: [Proto]) -> Proto {
    .message(5, [.text(1, name), .message(5, parts), .int(20, 4)])
  }

  /// The parts of a TensorProto, without its elements.
  static func head(_ name: String, type: Int64 = 1, _ dims: [Int64]) -> [Proto] {
    dims.map { .int(1, $0) } + [.int(2, type), .text(8, name)]
  }

  static func initializer(_ name: String, _ dims: [Int64], _ values: [Float]) -> Proto {
    .message(5, head(name, dims) + [.data(9, littleEndian(values))])
  }

  static func initializer(_ name: String, _ values: [Int64]) -> Proto {
    let raw = values.flatMap { littleEndian($0) }
    return .message(5, head(name, type: 7, [Int64(values.count)]) + [.data(9, raw)])
  }
}

extension Bytes {
  init(_ proto: Proto) { self.init(copying: proto.bytes) }
}
