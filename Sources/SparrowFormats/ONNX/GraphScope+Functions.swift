import SparrowCore

/// What a function is called with.
struct FunctionCall {
  /// The functions around, the innermost last.
  var callers: [FunctionMessage.Key] = []
  /// Begins the names of what the function makes.
  var prefix = ""
  /// The function's attributes: the call's, else their defaults.
  var attributes: [String: AttributeMessage] = [:]
  /// Inputs that the call leaves out.
  var absent = Set<String>()
  /// What the caller's graph calls the outputs.
  var outputs: [String: String] = [:]
}

/// Functions of the model are expanded where they are called.
extension GraphScope {
  func expand(_ function: FunctionMessage, at node: NodeMessage) throws(FormatError) {
    var call = try self.call(function, at: node)
    let inner = GraphScope(
      shared, target, opsets: try opsets(of: function), call: call, depth: depth + 1)
    try source.check(
      inner.depth, ONNXLimits.nesting, "the number of bodies and calls inside each other",
      at: node.wire.offset)
    for (name, operand) in zip(function.inputs, node.inputs) where !operand.isEmpty {
      inner.ids[name] = try self.operand(operand, of: node)
    }
    let nodes = try inner.declareConstants([], [], function.nodes)
    // What a node of the function makes takes the name that the caller has for it.
    var made = Set<String>()
    for node in nodes { made.formUnion(node.outputs) }
    var copies: [(from: String, to: String)] = []
    for (name, output) in zip(function.outputs, node.outputs) where !output.isEmpty {
      if made.contains(name), call.outputs[name] == nil, inner.ids[name] == nil {
        call.outputs[name] = valueName(output)
      } else {
        copies.append((name, output))
      }
    }
    inner.call = call
    try inner.add(nodes, outputs: function.outputs)
    for (name, output) in zip(function.outputs, node.outputs) where !output.isEmpty {
      guard let id = try inner.value(name) else {
        throw function.wire.malformed(
          "output '\(name)' of function '\(function.key.name)' is made by no node")
      }
      ids[output] = id
    }
    let form = try NodeForm(node.bare, opset: 0, inputs: [], outputs: [])
    for (from, to) in copies {
      let id = try inner.value(from)
      ids[to] = try target.builder.add(
        .identity(Identity()), [id], name: node.displayName, outputs: [valueName(to)], at: form)[0]
    }
  }

  private func call(
    _ function: FunctionMessage, at node: NodeMessage
  ) throws(FormatError) -> FunctionCall {
    let callers = call?.callers ?? []
    guard !callers.contains(function.key) else {
      throw node.wire.malformed("\(node.label) calls a function that it is itself a part of")
    }
    guard node.inputs.count <= function.inputs.count,
      node.outputs.count <= function.outputs.count
    else {
      throw node.wire.malformed(
        "\(node.label) has \(node.inputs.count) inputs and \(node.outputs.count) outputs, its "
          + "function \(function.inputs.count) and \(function.outputs.count)")
    }
    var result = FunctionCall()
    result.callers = callers + [function.key]
    result.prefix = node.displayName + "/"
    for (i, name) in function.inputs.enumerated() {
      if i >= node.inputs.count || node.inputs[i].isEmpty { result.absent.insert(name) }
    }
    for attribute in function.defaults { result.attributes[attribute.name] = attribute }
    for attribute in node.attributes {
      guard function.attributes.contains(attribute.name) else {
        throw node.wire.malformed(
          "\(node.label): its function has no attribute '\(attribute.name)'")
      }
      result.attributes[attribute.name] = attribute
    }
    return result
  }

  /// A function states the operator sets of its own nodes; the caller's stand for those it does not.
  private func opsets(of function: FunctionMessage) throws(FormatError) -> [String: Int] {
    let own = try GraphImporter.opsets(function.opsets, source)
    return opsets.merging(own) { _, own in own }
  }

  /// A node with the attributes of the function around in place of references to them, and without
  /// inputs that the call leaves out.
  func resolved(_ node: NodeMessage) throws(FormatError) -> NodeMessage {
    guard let call else { return node }
    var node = node
    if parent == nil { node.name = call.prefix + node.displayName }
    node.inputs = node.inputs.map { call.absent.contains($0) ? "" : $0 }
    var attributes: [AttributeMessage] = []
    for var attribute in node.attributes {
      if attribute.isReference {
        guard let given = call.attributes[attribute.reference] else { continue }
        guard given.graph == nil else {
          throw attribute.wire.unsupported(
            "\(node.label): attribute '\(attribute.name)' is a graph given to a function: "
              + "not supported")
        }
        let name = attribute.name
        attribute = given
        attribute.name = name
      }
      attributes.append(attribute)
    }
    node.attributes = attributes
    return node
  }
}

extension NodeMessage {
  var functionKey: FunctionMessage.Key {
    FunctionMessage.Key(domain: domain, name: opType, overload: overload)
  }

  /// The node without attributes.
  fileprivate var bare: NodeMessage {
    var node = self
    node.attributes = []
    return node
  }
}
