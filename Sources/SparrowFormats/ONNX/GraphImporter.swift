import SparrowCore

/// Makes a ``Graph`` of a decoded model.
struct GraphImporter {
  /// A constant that is decoded when something first reads it.
  private enum Constant {
    case tensor(TensorMessage)
    case sparse(SparseTensorMessage)
    case node(NodeMessage)
  }

  private let source: WireSource
  private let model: ModelMessage
  private let message: GraphMessage
  private let opsets: [String: Int]
  private var decoder: TensorDecoder
  private var builder: GraphBuilder
  private var constants: [String: Constant] = [:]
  private var ids: [String: ValueID] = [:]

  init(
    _ source: WireSource, _ model: ModelMessage, _ message: GraphMessage, folder: String?
  ) throws(FormatError) {
    (self.source, self.model, self.message) = (source, model, message)
    opsets = try Self.opsets(model, source)
    decoder = TensorDecoder(source: source, external: ExternalData(folder: folder))
    builder = GraphBuilder(source, name: message.name, reserved: [])
  }

  private static func opsets(
    _ model: ModelMessage, _ source: WireSource
  ) throws(FormatError) -> [String: Int] {
    var result: [String: Int] = [:]
    for opset in model.opsets {
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

  mutating func graph() throws(FormatError) -> Graph {
    let nodes = try declareConstants()
    let reserved = try declareNames(nodes)
    builder = GraphBuilder(source, name: message.name, reserved: reserved)
    try addInputs()
    let operands = Set(nodes.flatMap { $0.inputs })
    let read = operands.union(message.outputs.map { $0.name })
    for i in try NodeOrder.sorted(nodes) { try add(nodes[i], read: read) }
    try addOutputs(operands: operands)
    // Constants that a lift did without: an empty region of interest, a Dropout's ratio.
    builder.graph.removeUnusedValues()
    builder.graph.metadata = metadata()
    do {
      try builder.graph.verify()
    } catch {
      throw .graph(file: source.file, error)
    }
    return builder.graph
  }

  /// Notes initializers and Constant nodes by name. Returns the other nodes.
  private mutating func declareConstants() throws(FormatError) -> [NodeMessage] {
    for tensor in message.initializers {
      try declare(tensor.name, .tensor(tensor), tensor.wire)
    }
    for tensor in message.sparseInitializers {
      try declare(tensor.name, .sparse(tensor), tensor.wire)
    }
    var others: [NodeMessage] = []
    for node in message.nodes {
      guard node.opType == "Constant", node.domain.isEmpty else {
        others.append(node)
        continue
      }
      guard node.outputs.count == 1, let name = node.outputs.first else {
        throw node.wire.malformed("\(node.label) has \(node.outputs.count) outputs, expected 1")
      }
      try declare(name, .node(node), node.wire)
    }
    return others
  }

  private mutating func declare(
    _ name: String, _ constant: Constant, _ wire: WireMessage
  ) throws(FormatError) {
    guard !name.isEmpty else { throw wire.malformed("\(wire.what) has no name") }
    guard constants.updateValue(constant, forKey: name) == nil else {
      throw wire.malformed("two tensors have the name '\(name)'")
    }
  }

  /// The names that the file defines, each once.
  private func declareNames(_ nodes: [NodeMessage]) throws(FormatError) -> Set<String> {
    var names = Set(constants.keys)
    var inputs = Set<String>()
    for input in message.inputs {
      guard !input.name.isEmpty else {
        throw input.wire.malformed("\(input.wire.what) has no name")
      }
      guard inputs.insert(input.name).inserted else {
        throw input.wire.malformed("two graph inputs have the name '\(input.name)'")
      }
      names.insert(input.name)
    }
    for node in nodes {
      for output in node.outputs where !output.isEmpty {
        guard names.insert(output).inserted else {
          throw node.wire.malformed(
            "\(node.label) makes '\(output)', which exists already")
        }
      }
    }
    return names
  }

  /// Inputs that have an initializer are constants: files before IR version 4 list all of them.
  private mutating func addInputs() throws(FormatError) {
    for input in message.inputs where constants[input.name] == nil {
      switch input.kind {
      case .missing: throw input.wire.malformed("graph input '\(input.name)' has no type")
      case .other(let name):
        throw input.wire.unsupported(
          "graph input '\(input.name)' is \(name): only tensors are supported")
      case .tensor(let code, let dimensions):
        guard let dtype = DType(onnx: code) else {
          throw input.wire.unsupported(
            "graph input '\(input.name)' has \(DType.onnxName(code)) elements: not supported")
        }
        let type = TensorType(dtype, dimensions)
        guard type.isRepresentable else {
          throw input.wire.malformed("graph input '\(input.name)' is \(type.text): too large")
        }
        ids[input.name] = builder.graph.addInput(input.name, type)
      }
    }
    try source.check(
      builder.graph.inputs.count, ONNXLimits.graphValues, "the number of graph inputs", at: nil)
  }

  private mutating func addOutputs(operands: Set<String>) throws(FormatError) {
    var seen = Set<String>()
    for output in message.outputs {
      guard seen.insert(output.name).inserted else {
        throw output.wire.malformed("two graph outputs have the name '\(output.name)'")
      }
      guard let id = try value(output.name) else {
        throw output.wire.malformed("graph output '\(output.name)' is made by no node")
      }
      builder.graph.outputs.append(id)
      if !operands.contains(output.name) { complete(id, output) }
    }
    guard !builder.graph.outputs.isEmpty else {
      throw message.wire.malformed("the graph has no outputs")
    }
  }

  /// Takes what the file declares of an output where inference leaves it open. Where they differ
  /// inference is right: exporters state wrong shapes.
  private mutating func complete(_ id: ValueID, _ output: ValueMessage) {
    guard case .tensor(let code, let declared?) = output.kind,
      let type = builder.graph[id].type, type.dtype == DType(onnx: code)
    else { return }
    let inferred = type.dimensions ?? [Dimension](repeating: .unknown, count: declared.count)
    guard inferred.count == declared.count else { return }
    let merged = zip(inferred, declared).map { $0 == .unknown ? $1 : $0 }
    let result = TensorType(type.dtype, merged)
    if result.isRepresentable { builder.graph[id].type = result }
  }

  /// The value of that name, decoded where it is a constant; nil when there is none.
  private mutating func value(_ name: String) throws(FormatError) -> ValueID? {
    if let id = ids[name] { return id }
    guard let constant = constants[name] else { return nil }
    let tensor: Tensor
    switch constant {
    case .tensor(let message): tensor = try decoder.tensor(message)
    case .sparse(let message): tensor = try decoder.tensor(message)
    case .node(let node): tensor = try decoder.constant(node)
    }
    let id = builder.graph.addConstant(name, tensor)
    ids[name] = id
    return id
  }

  private mutating func add(_ node: NodeMessage, read: Set<String>) throws(FormatError) {
    try checkSupport(node)
    var inputs: [ValueID?] = []
    for name in node.inputs {
      guard !name.isEmpty else {
        inputs.append(nil)
        continue
      }
      guard let id = try value(name) else {
        throw node.wire.malformed("\(node.label) reads '\(name)', which nothing defines")
      }
      inputs.append(id)
    }
    while let last = inputs.last, last == nil { inputs.removeLast() }
    let outputs = try outputs(of: node, read: read)
    guard let opset = opsets[node.domain] else {
      throw node.wire.malformed(
        "\(node.label) is of domain '\(node.domain)', whose operator set the model does not import")
    }
    var form = try NodeForm(node, opset: opset, inputs: inputs, outputs: outputs)
    try Lift.lift(&form, &builder)
    let op = try op(of: form)
    let made = try builder.add(
      op, form.inputs, name: node.displayName, outputs: outputs, at: form)
    for (name, id) in zip(outputs, made) { ids[name] = id }
  }

  private func checkSupport(_ node: NodeMessage) throws(FormatError) {
    let function = ModelMessage.FunctionName(domain: node.domain, name: node.opType)
    if model.functions.contains(function) {
      throw node.wire.unsupported(
        "\(node.label) calls a function of the model: not supported yet")
    }
    if node.domain.isEmpty, ["If", "Loop", "Scan", "SequenceMap"].contains(node.opType) {
      throw node.wire.unsupported("\(node.label) is control flow: not supported yet")
    }
  }

  /// The outputs' names, without trailing ones that nobody reads (a Dropout's mask). A Split's
  /// number of outputs has a meaning, so it keeps all.
  private mutating func outputs(
    of node: NodeMessage, read: Set<String>
  ) throws(FormatError) -> [String] {
    var outputs = node.outputs
    if node.opType != "Split" {
      while outputs.count > 1, let last = outputs.last, last.isEmpty || !read.contains(last) {
        outputs.removeLast()
      }
    }
    guard !outputs.isEmpty else { throw node.wire.malformed("\(node.label) has no outputs") }
    for i in outputs.indices where outputs[i].isEmpty {
      outputs[i] = builder.freshName(node.name.isEmpty ? node.opType : node.name)
    }
    return outputs
  }

  private static let operators = Dictionary(
    uniqueKeysWithValues: Op.catalogue.map { ($0.name, $0) })

  /// The operator that a lifted form describes.
  private func op(of form: NodeForm) throws(FormatError) -> Op {
    guard var op = Self.operators[form.opType], op.domain == form.domain else {
      let domain = form.domain.isEmpty ? "ai.onnx" : form.domain
      throw form.unsupported(
        "operator \(form.opType) (domain \(domain), operator set \(form.opset)) is not supported")
    }
    let arity = op.inputCount
    guard arity.contains(form.inputs.count) else {
      throw form.malformed(
        "it has \(form.inputs.count) inputs, expected \(arity.lowerBound) to \(arity.upperBound)")
    }
    for i in 0..<arity.lowerBound { _ = try form.requiredInput(i) }
    var reader = ONNXAttributeReader(form)
    try op.visitAttributes(&reader)
    try reader.checkRest()
    form.adjustment?(&op)
    return op
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

extension ONNX {
  /// Begins the keys of metadata that describe the file rather than the network; they are not
  /// written back.
  public static let metadataPrefix = "onnx."
}
