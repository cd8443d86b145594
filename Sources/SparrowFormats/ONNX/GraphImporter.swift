import SparrowCore

/// Makes a ``Graph`` of a decoded model.
struct GraphImporter {
  private let source: WireSource
  private let model: ModelMessage
  private let message: GraphMessage
  private let opsets: [String: Int]
  private let shared: ImportState

  init(
    _ source: WireSource, _ model: ModelMessage, _ message: GraphMessage, folder: String?
  ) throws(FormatError) {
    (self.source, self.model, self.message) = (source, model, message)
    opsets = try Self.opsets(model.opsets, source)
    shared = ImportState(
      source, functions: model.functions,
      decoder: TensorDecoder(source: source, external: ExternalData(folder: folder)))
  }

  /// The version of each domain's operators.
  static func opsets(
    _ list: [ModelMessage.OperatorSet], _ source: WireSource
  ) throws(FormatError) -> [String: Int] {
    var result: [String: Int] = [:]
    for opset in list {
      let domain = opset.domain == "ai.onnx" ? "" : opset.domain
      result[domain] = Int(opset.version)
    }
    let known = ONNXLimits.opsets
    if let version = result[""], !known.contains(version) {
      throw source.unsupported(
        nil,
        "it is written for operator set \(version); sets \(known.lowerBound) to "
          + "\(known.upperBound) can be read")
    }
    return result
  }

  func graph() throws(FormatError) -> Graph {
    let target = GraphTarget(GraphBuilder(source, name: message.name, reserved: []))
    let scope = GraphScope(shared, target, opsets: opsets)
    try scope.importModelGraph(message)
    var graph = target.builder.graph
    // Constants that a lift did without: an empty region of interest, a Dropout's ratio.
    graph.removeUnusedValues()
    graph.metadata = metadata()
    do {
      try graph.verify()
    } catch {
      throw .graph(file: source.file, error)
    }
    return graph
  }

  /// What the file says of itself, then its own entries.
  private func metadata() -> [MetadataEntry] {
    var result: [MetadataEntry] = []
    func add(_ key: String, _ value: String) {
      if !value.isEmpty {
        result.append(MetadataEntry(key: ONNX.metadataPrefix + key, value: value))
      }
    }
    add("producer", model.producer)
    add("producer_version", model.producerVersion)
    add("domain", model.modelDomain)
    add("model_version", model.version == 0 ? "" : "\(model.version)")
    add("description", model.description)
    add("opset", opsets[""].map { "\($0)" } ?? "")
    return result + model.metadata.filter { !$0.key.hasPrefix(ONNX.metadataPrefix) }
  }
}

/// What all scopes of one import share.
final class ImportState {
  let source: WireSource
  let functions: [FunctionMessage.Key: FunctionMessage]
  var decoder: TensorDecoder
  private var spent = 0

  init(
    _ source: WireSource, functions: [FunctionMessage.Key: FunctionMessage],
    decoder: TensorDecoder
  ) {
    (self.source, self.functions, self.decoder) = (source, functions, decoder)
  }

  /// Counts nodes that are looked at. Functions that call functions, and bodies inside bodies, can
  /// make a small file ask for a great many.
  func spend(_ count: Int, at node: NodeMessage) throws(FormatError) {
    let (sum, overflow) = spent.addingReportingOverflow(count)
    spent = overflow ? .max : sum
    try source.check(
      spent, ONNXLimits.expandedNodes,
      "the number of nodes after functions and bodies are expanded", at: node.wire.offset)
  }
}

extension ONNX {
  /// Begins the keys of metadata that describe the file rather than the network; they are not
  /// written back.
  public static let metadataPrefix = "onnx."
}
