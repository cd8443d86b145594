import SparrowCore

/// The graph of the model itself.
extension GraphScope {
  func importModelGraph(_ message: GraphMessage) throws(FormatError) {
    let nodes = try declareConstants(
      message.initializers, message.sparseInitializers, message.nodes)
    let reserved = try declareNames(inputs: message.inputs, nodes)
    target.builder = GraphBuilder(source, name: message.name, reserved: reserved)
    try addInputs(message)
    try add(nodes, outputs: message.outputs.map { $0.name })
    try addOutputs(message, operands: Set(nodes.flatMap { $0.reads }))
  }

  /// Inputs that have an initializer are constants: files before IR version 4 list all of them.
  private func addInputs(_ message: GraphMessage) throws(FormatError) {
    for input in message.inputs where !isConstant(input.name) {
      guard let type = try input.tensorType("graph input '\(input.name)'") else {
        throw input.wire.malformed("graph input '\(input.name)' has no type")
      }
      ids[input.name] = target.builder.graph.addInput(input.name, type)
    }
    try source.check(
      target.builder.graph.inputs.count, ONNXLimits.graphValues, "the number of graph inputs",
      at: nil)
  }

  private func addOutputs(
    _ message: GraphMessage, operands: Set<String>
  ) throws(FormatError) {
    var seen = Set<String>()
    for output in message.outputs {
      guard seen.insert(output.name).inserted else {
        throw output.wire.malformed("two graph outputs have the name '\(output.name)'")
      }
      guard let id = try value(output.name) else {
        throw output.wire.malformed("graph output '\(output.name)' is made by no node")
      }
      target.builder.graph.outputs.append(id)
      if !operands.contains(output.name) { complete(id, output) }
    }
    guard !target.builder.graph.outputs.isEmpty else {
      throw message.wire.malformed("the graph has no outputs")
    }
  }

  /// Takes what the file declares of an output where inference leaves it open. Where they differ
  /// inference is right: exporters state wrong shapes.
  private func complete(_ id: ValueID, _ output: ValueMessage) {
    guard case .tensor(let code, let declared?) = output.kind,
      let type = target.builder.graph[id].type, type.dtype == DType(onnx: code)
    else { return }
    let inferred = type.dimensions ?? [Dimension](repeating: .unknown, count: declared.count)
    guard inferred.count == declared.count else { return }
    let merged = zip(inferred, declared).map { $0 == .unknown ? $1 : $0 }
    let result = TensorType(type.dtype, merged)
    if result.isRepresentable { target.builder.graph[id].type = result }
  }
}

extension ValueMessage {
  /// The declared type; nil where there is none. Throws where it is not that of a tensor.
  func tensorType(_ what: String) throws(FormatError) -> TensorType? {
    switch kind {
    case .missing: return nil
    case .other(let name):
      throw wire.unsupported("\(what) is \(name): only tensors are supported")
    case .tensor(let code, let dimensions):
      guard let dtype = DType(onnx: code) else {
        throw wire.unsupported("\(what) has \(DType.onnxName(code)) elements: not supported")
      }
      let type = TensorType(dtype, dimensions)
      guard type.isRepresentable else {
        throw wire.malformed("\(what) is \(type.text): too large")
      }
      return type
    }
  }
}
