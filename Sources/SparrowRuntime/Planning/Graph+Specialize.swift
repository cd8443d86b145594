import SparrowCore

extension Graph {
  /// This graph for concrete input shapes (one an input, in order): every type is known, and every
  /// value that follows from shapes and constants alone is a constant.
  ///
  /// Values keep their ``ValueID``s. Throws when a shape contradicts the graph or stays open.
  public func specialized(inputShapes: [[Int]]) throws(RuntimeError) -> Graph {
    let graph = try bound(inputShapes: inputShapes)
    for node in graph.nodes {
      for id in node.outputs { try graph.requireConcrete(id) }
    }
    return graph
  }

  /// As ``specialized(inputShapes:)``, but types that depend on values stay open.
  func bound(inputShapes: [[Int]]) throws(RuntimeError) -> Graph {
    var graph = self
    try graph.bind(inputShapes)
    return try graph.folded()
  }

  /// Infers types node by node and replaces nodes whose inputs are all constants by their results.
  ///
  /// Types declared for intermediate values are inferred anew. An If whose condition is known becomes
  /// the branch that is taken. Nodes whose result nobody reads afterwards are dropped.
  func folded() throws(RuntimeError) -> Graph {
    var graph = self
    repeat {
      graph.inlineBranches()
      graph = try graph.foldedOnce()
    } while graph.nodes.contains(where: graph.isKnownBranch)
    return graph
  }

  private func isKnownBranch(_ node: Node) -> Bool {
    guard case .if = node.op, let condition = node.input(0) else { return false }
    return self[condition].constant != nil
  }

  private func foldedOnce() throws(RuntimeError) -> Graph {
    var graph = self
    var kept: [Node] = []
    for node in graph.nodes {
      let context: InferenceContext
      let types: [TensorType]
      do throws(GraphError) {
        context = try graph.context(of: node)
        types = try graph.inferredTypes(of: node)
      } catch {
        throw .graph(error)
      }
      for (id, type) in zip(node.outputs, types) { graph[id].type = type }
      if let values = try graph.constants(of: node, context, types) {
        for (id, value) in zip(node.outputs, values) {
          graph[id].constant = value
          graph[id].type = TensorType(value.dtype, shape: value.shape)
        }
      } else {
        kept.append(node)
      }
    }
    graph.nodes = kept
    graph.removeDeadNodes()
    return graph
  }

  private mutating func bind(_ shapes: [[Int]]) throws(RuntimeError) {
    guard shapes.count == inputs.count else {
      throw .badInput("the model takes \(inputs.count) inputs, found \(shapes.count)")
    }
    var symbols: [String: Int] = [:]
    for (id, shape) in zip(inputs, shapes) {
      let name = self[id].name
      guard let type = self[id].type else { throw .badInput("input '\(name)' has no type") }
      let wanted = type.dimensions ?? shape.map { _ in .unknown }
      let found = TensorType(type.dtype, shape: shape)
      guard wanted.count == shape.count else {
        throw .badInput("input '\(name)' is \(type.text), found \(found.text)")
      }
      for (dimension, length) in zip(wanted, shape) {
        switch dimension {
        case .known(let expected) where expected != length:
          throw .badInput("input '\(name)' is \(type.text), found \(found.text)")
        case .symbol(let symbol):
          if let bound = symbols[symbol], bound != length {
            throw .badInput(
              "input '\(name)' is \(type.text) with \(symbol) = \(bound), found \(found.text)")
          }
          symbols[symbol] = length
        case .known, .unknown: break
        }
      }
      guard let count = shape.checkedElementCount, count <= Limits.valueBytes / type.dtype.size
      else { throw .badInput("input '\(name)' of shape \(found.text) is too large") }
      self[id].type = found
    }
  }

  private func constants(
    of node: Node, _ context: InferenceContext, _ types: [TensorType]
  ) throws(RuntimeError) -> [Tensor]? {
    if node.op.isControlFlow { return nil }
    if let value = node.op.valueFromTypes(context) { return [value] }
    var inputs: [Tensor?] = []
    for input in context.inputs {
      if let input, input.constant == nil { return nil }
      inputs.append(input?.constant)
    }
    for type in types {
      // Where even the shape depends on values, the operator runs on whole tensors and bounds it.
      guard let shape = type.shape else { continue }
      guard let count = shape.checkedElementCount, count <= Limits.foldedBytes / type.dtype.size
      else { return nil }
    }
    return try Evaluator.evaluate(
      node.op, inputs: inputs, outputCount: node.outputs.count, label: node.label)
  }

  func requireConcrete(_ id: ValueID) throws(RuntimeError) {
    let value = self[id]
    guard let type = value.type, let shape = type.shape else {
      throw .unresolvedShape(value: value.name, type: value.type?.text ?? "of unknown type")
    }
    guard let count = shape.checkedElementCount, count <= Limits.valueBytes / type.dtype.size else {
      throw .badInput("value '\(value.name)' of shape \(type.text) is too large")
    }
  }
}
