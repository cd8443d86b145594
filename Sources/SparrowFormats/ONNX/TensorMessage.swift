import SparrowCore

/// ONNX's TensorProto. Its elements stay where they are until ``TensorDecoder`` asks for them.
struct TensorMessage {
  let wire: WireMessage
  var name = ""
  var dims: [Int64] = []
  var dataType: Int32 = 0
  /// `raw_data`, in place.
  var raw: WireField?
  /// Whether each of the typed data fields occurs.
  var typedFields = Set<UInt32>()
  var isExternal = false
  var external: [MetadataEntry] = []
  var isSegment = false

  init(_ message: WireMessage) throws(FormatError) {
    wire = message
    var wire = message
    while let field = try wire.next() {
      try read(field)
    }
  }

  private mutating func read(_ field: WireField) throws(FormatError) {
    let what = label
    switch field.number {
    case 1:
      try field.appendInt64(to: &dims, "dimensions of \(what)", limit: ONNXLimits.rank)
    case 2: dataType = try field.int32("the data type of \(what)")
    case 3: isSegment = true
    case 4, 5, 6, 7, 10, 11: typedFields.insert(field.number)
    case 8: name = try field.string("the name of \(what)")
    case 9:
      _ = try field.bytes("raw_data of \(what)")
      raw = field
    case 13:
      external.append(try ModelMessage.entry(try field.message("external_data of \(what)")))
      try field.source.check(
        external.count, 64, "the number of external_data entries of \(what)", at: field.offset)
    case 14:
      let location = try field.int32("data_location of \(what)")
      guard location == 0 || location == 1 else {
        throw field.source.malformed(
          field.offset, "data_location of \(what) is \(location), expected 0 or 1")
      }
      isExternal = location == 1
    default: break
    }
  }

  /// For messages.
  var label: String { name.isEmpty ? wire.what : "tensor '\(name)'" }
}

/// ONNX's SparseTensorProto: the non-zero values with their positions.
struct SparseTensorMessage {
  let wire: WireMessage
  var values: TensorMessage?
  var indices: TensorMessage?
  var dims: [Int64] = []

  init(_ message: WireMessage) throws(FormatError) {
    wire = message
    var wire = message
    while let field = try wire.next() {
      switch field.number {
      case 1: values = try TensorMessage(try field.message("the values of \(message.what)"))
      case 2: indices = try TensorMessage(try field.message("the indices of \(message.what)"))
      case 3:
        try field.appendInt64(
          to: &dims, "dimensions of \(message.what)", limit: ONNXLimits.rank)
      default: break
      }
    }
  }

  /// ONNX names a sparse tensor by its values.
  var name: String { values?.name ?? "" }
  var label: String { name.isEmpty ? wire.what : "sparse tensor '\(name)'" }
}
