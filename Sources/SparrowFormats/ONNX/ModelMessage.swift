import SparrowCore

/// What the importer needs of ONNX's ModelProto.
struct ModelMessage {
  /// An imported operator set.
  struct OperatorSet {
    var domain = ""
    var version: Int64 = 0
  }

  struct FunctionName: Hashable {
    var domain = ""
    var name = ""
  }

  var opsets: [OperatorSet] = []
  var producer = ""
  var producerVersion = ""
  var modelDomain = ""
  var version: Int64 = 0
  var description = ""
  var metadata: [MetadataEntry] = []
  /// The model's own operators.
  var functions = Set<FunctionName>()
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
      case 25: functions.insert(try Self.function(try field.message("a function")))
      default: break
      }
    }
  }

  private static func operatorSet(_ message: WireMessage) throws(FormatError) -> OperatorSet {
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

  private static func function(_ message: WireMessage) throws(FormatError) -> FunctionName {
    var wire = message
    var result = FunctionName()
    while let field = try wire.next() {
      switch field.number {
      case 1: result.name = try field.string("a function's name")
      case 10: result.domain = try field.string("a function's domain")
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

/// What the importer needs of ONNX's GraphProto.
struct GraphMessage {
  let wire: WireMessage
  var name = ""
  var nodes: [NodeMessage] = []
  var initializers: [TensorMessage] = []
  var sparseInitializers: [SparseTensorMessage] = []
  var inputs: [ValueMessage] = []
  var outputs: [ValueMessage] = []

  init(_ message: WireMessage) throws(FormatError) {
    wire = message
    var wire = message
    while let field = try wire.next() {
      try read(field)
    }
  }

  private mutating func read(_ field: WireField) throws(FormatError) {
    let source = field.source
    switch field.number {
    case 1:
      nodes.append(try NodeMessage(try field.message("node \(nodes.count)")))
      try source.check(nodes.count, ONNXLimits.nodes, "the number of nodes", at: field.offset)
    case 2: name = try field.string("the graph's name")
    case 5:
      let what = "initializer \(initializers.count)"
      initializers.append(try TensorMessage(try field.message(what)))
      try source.check(
        initializers.count, ONNXLimits.tensors, "the number of initializers", at: field.offset)
    case 11:
      inputs.append(try ValueMessage(try field.message("graph input \(inputs.count)")))
      try source.check(
        inputs.count, ONNXLimits.graphValues + ONNXLimits.tensors, "the number of graph inputs",
        at: field.offset)
    case 12:
      outputs.append(try ValueMessage(try field.message("graph output \(outputs.count)")))
      try source.check(
        outputs.count, ONNXLimits.graphValues, "the number of graph outputs", at: field.offset)
    case 15:
      let what = "sparse initializer \(sparseInitializers.count)"
      sparseInitializers.append(try SparseTensorMessage(try field.message(what)))
      try source.check(
        sparseInitializers.count, ONNXLimits.tensors, "the number of sparse initializers",
        at: field.offset)
    default: break
    }
  }
}
