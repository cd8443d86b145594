import SparrowCore

/// What the importer needs of ONNX's GraphProto.
struct GraphMessage {
  let wire: WireMessage
  var name = ""
  var nodes: [NodeMessage] = []
  var initializers: [TensorMessage] = []
  var sparseInitializers: [SparseTensorMessage] = []
  var inputs: [ValueMessage] = []
  var outputs: [ValueMessage] = []
  /// The names it reads and does not define: those of a body come from the graphs around it.
  private(set) var freeNames: [String] = []

  init(_ message: WireMessage) throws(FormatError) {
    wire = message
    var wire = message
    while let field = try wire.next() {
      try read(field)
    }
    freeNames = namesFromOutside()
  }

  /// In the order of their first use.
  private func namesFromOutside() -> [String] {
    var known: Set<String> = [""]
    for input in inputs { known.insert(input.name) }
    for tensor in initializers { known.insert(tensor.name) }
    for tensor in sparseInitializers { known.insert(tensor.name) }
    for node in nodes { known.formUnion(node.outputs) }
    var result: [String] = []
    for node in nodes {
      for name in node.reads where known.insert(name).inserted { result.append(name) }
    }
    for output in outputs where known.insert(output.name).inserted { result.append(output.name) }
    return result
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
