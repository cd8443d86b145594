import SparrowCore

/// The names of one graph or function, and the import of its nodes.
///
/// A body inside a node has a scope and a graph of its own, and sees the names around it. A function
/// has a scope of its own, and its nodes go to the graph of its caller.
final class GraphScope {
  /// A constant that is decoded when something first reads it.
  enum Constant {
    case tensor(TensorMessage)
    case sparse(SparseTensorMessage)
    case node(NodeMessage)
  }

  let shared: ImportState
  let target: GraphTarget
  let opsets: [String: Int]
  /// The scope whose names are seen from this one.
  let parent: GraphScope?
  /// What the function around is called with; nil outside functions.
  var call: FunctionCall?
  /// How many bodies and calls are around.
  let depth: Int

  var ids: [String: ValueID] = [:]
  private var constants: [String: Constant] = [:]

  init(
    _ shared: ImportState, _ target: GraphTarget, opsets: [String: Int],
    parent: GraphScope? = nil, call: FunctionCall? = nil, depth: Int = 0
  ) {
    (self.shared, self.target, self.opsets) = (shared, target, opsets)
    (self.parent, self.call, self.depth) = (parent, call, depth)
  }

  var source: WireSource { shared.source }

  /// Notes initializers and Constant nodes by name. Returns the other nodes.
  func declareConstants(
    _ tensors: [TensorMessage], _ sparse: [SparseTensorMessage], _ nodes: [NodeMessage]
  ) throws(FormatError) -> [NodeMessage] {
    for tensor in tensors { try declare(tensor.name, .tensor(tensor), tensor.wire) }
    for tensor in sparse { try declare(tensor.name, .sparse(tensor), tensor.wire) }
    var others: [NodeMessage] = []
    for node in nodes {
      let node = try resolved(node)
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

  private func declare(
    _ name: String, _ constant: Constant, _ wire: WireMessage
  ) throws(FormatError) {
    guard !name.isEmpty else { throw wire.malformed("\(wire.what) has no name") }
    guard constants.updateValue(constant, forKey: name) == nil else {
      throw wire.malformed("two tensors have the name '\(name)'")
    }
  }

  func isConstant(_ name: String) -> Bool { constants[name] != nil }

  /// The names that are defined here, each once.
  func declareNames(
    inputs: [ValueMessage], _ nodes: [NodeMessage]
  ) throws(FormatError) -> Set<String> {
    var names = Set(constants.keys)
    var own = Set<String>()
    for input in inputs {
      guard !input.name.isEmpty else {
        throw input.wire.malformed("\(input.wire.what) has no name")
      }
      guard own.insert(input.name).inserted else {
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

  /// Imports nodes in an order in which they can be computed. `outputs` are read besides what the
  /// nodes themselves read.
  func add(_ nodes: [NodeMessage], outputs: [String]) throws(FormatError) {
    var read = Set(outputs)
    for node in nodes { read.formUnion(node.reads) }
    for i in try NodeOrder.sorted(nodes) { try add(nodes[i], read: read) }
  }

  /// The value of that name, decoded where it is a constant and captured where it is of a graph
  /// around; nil when there is none.
  func value(_ name: String) throws(FormatError) -> ValueID? {
    if let id = ids[name] { return id }
    guard let constant = constants[name] else {
      guard let parent, let outer = try parent.value(name) else { return nil }
      let id = target.capture(outer, of: parent.target)
      ids[name] = id
      return id
    }
    let tensor: Tensor
    switch constant {
    case .tensor(let message): tensor = try shared.decoder.tensor(message)
    case .sparse(let message): tensor = try shared.decoder.tensor(message)
    case .node(let node): tensor = try shared.decoder.constant(node)
    }
    let id = target.builder.graph.addConstant(valueName(name), tensor)
    ids[name] = id
    return id
  }

  /// The value of that name, which must exist; nil for the empty name of an input left out.
  func operand(_ name: String, of node: NodeMessage) throws(FormatError) -> ValueID? {
    if name.isEmpty { return nil }
    guard let id = try value(name) else {
      throw node.wire.malformed("\(node.label) reads '\(name)', which nothing defines")
    }
    return id
  }

  /// The name in the graph of what has that name here. Those of a graph stay; those of a function
  /// are made unique.
  func valueName(_ name: String) -> String {
    guard let call, parent == nil else { return name }
    return call.outputs[name] ?? target.builder.freshName(call.prefix + name)
  }

  private func add(_ node: NodeMessage, read: Set<String>) throws(FormatError) {
    try shared.spend(1, at: node)
    if let function = shared.functions[node.functionKey] { return try expand(function, at: node) }
    var inputs: [ValueID?] = []
    for name in node.inputs { inputs.append(try operand(name, of: node)) }
    while let last = inputs.last, last == nil { inputs.removeLast() }
    guard let opset = opsets[node.domain] else {
      throw node.wire.malformed(
        "\(node.label) is of domain '\(node.domain)', whose operator set the model does not import")
    }
    let isControlFlow = node.domain.isEmpty && ["If", "Loop", "Scan"].contains(node.opType)
    let outputs = try outputs(of: node, read: isControlFlow ? nil : read)
    var form = try NodeForm(node, opset: opset, inputs: inputs, outputs: outputs)
    let op: Op
    if isControlFlow {
      op = try controlFlow(&form)
    } else {
      if node.domain == "ai.onnx.preview", node.opType == "FlexAttention" {
        try flexAttention(&form)
      }
      try Lift.lift(&form, &target.builder)
      op = try self.op(of: form)
    }
    let names = form.outputs.map {
      $0.isEmpty ? target.builder.freshName(node.displayName) : valueName($0)
    }
    let made = try target.builder.add(
      op, form.inputs, name: node.displayName, outputs: names, at: form)
    for (name, id) in zip(form.outputs, made) where !name.isEmpty { ids[name] = id }
    for (name, id) in form.made {
      let label = target.builder.freshName(node.displayName)
      ids[name] = try target.builder.add(
        .identity(Identity()), [id], name: label, outputs: [valueName(name)], at: form)[0]
    }
  }

  /// Operators whose outputs are all kept: their number has a meaning, or none may be left out.
  private static let keepingOutputs: Set = ["Split", "TopK", "DynamicQuantizeLinear"]

  /// The outputs' names, without trailing ones that nobody reads (a Dropout's mask); all of them
  /// where `read` is nil.
  private func outputs(
    of node: NodeMessage, read: Set<String>?
  ) throws(FormatError) -> [String] {
    var outputs = node.outputs
    if let read, !Self.keepingOutputs.contains(node.opType) {
      while outputs.count > 1, let last = outputs.last, last.isEmpty || !read.contains(last) {
        outputs.removeLast()
      }
    }
    guard !outputs.isEmpty else { throw node.wire.malformed("\(node.label) has no outputs") }
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
}
