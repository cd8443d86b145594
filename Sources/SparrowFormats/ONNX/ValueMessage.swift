import SparrowCore

/// ONNX's ValueInfoProto: the name and type of a graph input or output.
struct ValueMessage {
  /// A TypeProto. Only tensors can be values of a ``Graph``.
  enum Kind {
    case missing
    case tensor(elementType: Int32, dimensions: [Dimension]?)
    /// `name` for messages: `"a sequence"`.
    case other(name: String)
  }

  let wire: WireMessage
  var name = ""
  var kind = Kind.missing

  init(_ message: WireMessage) throws(FormatError) {
    wire = message
    var wire = message
    while let field = try wire.next() {
      switch field.number {
      case 1: name = try field.string("the name of \(message.what)")
      case 2: kind = try Self.kind(try field.message("the type of \(message.what)"))
      default: break
      }
    }
  }

  private static func kind(_ message: WireMessage) throws(FormatError) -> Kind {
    var wire = message
    var result = Kind.missing
    while let field = try wire.next() {
      switch field.number {
      case 1: result = try tensor(try field.message(message.what))
      case 4: result = .other(name: "a sequence")
      case 5: result = .other(name: "a map")
      case 7: result = .other(name: "an opaque type")
      case 8: result = .other(name: "a sparse tensor")
      case 9: result = .other(name: "an optional")
      default: break
      }
    }
    return result
  }

  private static func tensor(_ message: WireMessage) throws(FormatError) -> Kind {
    var wire = message
    var elementType: Int32 = 0
    var dimensions: [Dimension]?
    while let field = try wire.next() {
      switch field.number {
      case 1: elementType = try field.int32("the element type in \(message.what)")
      case 2: dimensions = try shape(try field.message("the shape in \(message.what)"))
      default: break
      }
    }
    return .tensor(elementType: elementType, dimensions: dimensions)
  }

  private static func shape(_ message: WireMessage) throws(FormatError) -> [Dimension] {
    var wire = message
    var result: [Dimension] = []
    while let field = try wire.next() {
      guard field.number == 1 else { continue }
      result.append(try dimension(try field.message(message.what)))
      try message.source.check(
        result.count, ONNXLimits.rank, "the rank of \(message.what)", at: field.offset)
    }
    return result
  }

  /// Exporters write an open length as a missing value, a negative one, or a name without meaning.
  private static func dimension(_ message: WireMessage) throws(FormatError) -> Dimension {
    var wire = message
    var result = Dimension.unknown
    while let field = try wire.next() {
      switch field.number {
      case 1:
        let length = try field.int64("a dimension of \(message.what)")
        guard length >= 0 else {
          result = .unknown
          continue
        }
        guard length <= ONNXLimits.dimension else {
          throw .overLimit(
            file: message.source.file, offset: field.offset,
            what: "a dimension of \(message.what)", found: UInt64(length),
            limit: UInt64(ONNXLimits.dimension))
        }
        result = .known(Int(length))
      case 2:
        let name = try field.string("a dimension's name in \(message.what)")
        let isName = name.contains { $0.isLetter || $0.isNumber }
        result = isName ? .symbol(name) : .unknown
      default: break
      }
    }
    return result
  }
}
