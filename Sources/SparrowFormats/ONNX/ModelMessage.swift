import SparrowCore

/// What the importer needs of ONNX's ModelProto.
struct ModelMessage {
  /// An imported operator set.
  struct OperatorSet {
    var domain = ""
    var version: Int64 = 0
  }

  var opsets: [OperatorSet] = []
  var producer = ""
  var producerVersion = ""
  var modelDomain = ""
  var version: Int64 = 0
  var description = ""
  var metadata: [MetadataEntry] = []
  /// The model's own operators.
  var functions: [FunctionMessage.Key: FunctionMessage] = [:]
  var graph: GraphMessage?

  init(_ source: WireSource) throws(FormatError) {
    var wire = WireMessage(source, "the model")
    while let field = try wire.next() {
      switch field.number {
      case 2: producer = try field.string("producer_name")
      case 3: producerVersion = try field.string("producer_version")
      case 4: modelDomain = try field.string("the model's domain")
      case 5: version = try field.int64("model_version")
      case 6:
        description = try field.string(
          "the model's doc_string", limit: ONNXLimits.metadataBytes)
      case 7:
        guard graph == nil else { throw source.malformed(field.offset, "a second graph") }
        graph = try GraphMessage(try field.message("the graph"))
      case 8: opsets.append(try Self.operatorSet(try field.message("opset_import")))
      case 14:
        metadata.append(try Self.entry(try field.message("metadata_props")))
        try source.check(
          metadata.count, ONNXLimits.metadataEntries, "the number of metadata entries",
          at: field.offset)
      case 25:
        let function = try FunctionMessage(try field.message("function \(functions.count)"))
        guard functions.updateValue(function, forKey: function.key) == nil else {
          throw source.malformed(field.offset, "the function '\(function.key.name)' occurs twice")
        }
        try source.check(
          functions.count, ONNXLimits.functions, "the number of functions", at: field.offset)
      default: break
      }
    }
  }

  static func operatorSet(_ message: WireMessage) throws(FormatError) -> OperatorSet {
    var wire = message
    var result = OperatorSet()
    while let field = try wire.next() {
      switch field.number {
      case 1: result.domain = try field.string("an opset's domain")
      case 2: result.version = try field.int64("an opset's version")
      default: break
      }
    }
    return result
  }

  /// A StringStringEntryProto.
  static func entry(_ message: WireMessage) throws(FormatError) -> MetadataEntry {
    var wire = message
    var result = MetadataEntry(key: "", value: "")
    while let field = try wire.next() {
      switch field.number {
      case 1: result.key = try field.string("a key in \(message.what)")
      case 2:
        result.value = try field.string(
          "the value of '\(result.key)' in \(message.what)", limit: ONNXLimits.metadataBytes)
      default: break
      }
    }
    return result
  }
}
