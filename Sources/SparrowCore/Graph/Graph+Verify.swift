extension Graph {
  /// Checks every rule of ``Graph``: references in range, each value made once, before its use,
  /// unique non-empty names, constants that fit their types, and types that can be inferred. So for
  /// subgraphs, which must not be nested too deeply.
  public func verify() throws(GraphError) {
    try verifyNesting(depth: 0)
    guard nestedInferenceCost <= Subgraph.largestInferenceCost else {
      throw .invalid("its loops and branches are nested too deeply for their size")
    }
    try verifyRules()
  }

  private func verifyNesting(depth: Int) throws(GraphError) {
    for node in nodes {
      for subgraph in node.op.subgraphs {
        guard depth < Subgraph.deepestNesting else {
          throw .invalid(
            "\(node.label) is nested deeper than \(Subgraph.deepestNesting) levels")
        }
        try subgraph.graph.verifyNesting(depth: depth + 1)
      }
    }
  }

  private func verifyRules() throws(GraphError) {
    for node in nodes {
      for subgraph in node.op.subgraphs {
        do throws(GraphError) {
          try subgraph.graph.verifyRules()
        } catch {
          throw .invalid("in a subgraph of \(node.label): \(error.message)")
        }
      }
    }
    let defined = try verifyDefinitions()
    for id in outputs where !defined[id.index] {
      throw .invalid("graph output '\(self[id].name)' is made by no node")
    }
    try verifyNames(defined)
    var copy = self
    try copy.inferTypes()
  }

  private func verifyDefinitions() throws(GraphError) -> [Bool] {
    var defined = values.map { $0.constant != nil }
    for id in inputs + outputs { try verifyRange(id, "the graph's inputs and outputs") }
    for id in inputs {
      guard !defined[id.index] else {
        throw .invalid("graph input '\(self[id].name)' is listed twice or is a constant")
      }
      guard self[id].type != nil else {
        throw .invalid("graph input '\(self[id].name)' has no type")
      }
      defined[id.index] = true
    }
    for node in nodes {
      for id in node.inputs {
        guard let id else { continue }
        try verifyRange(id, node.label)
        guard defined[id.index] else {
          throw .invalid("\(node.label) reads '\(self[id].name)' before any node makes it")
        }
      }
      guard !node.outputs.isEmpty else { throw .invalid("\(node.label) has no output") }
      for id in node.outputs {
        try verifyRange(id, node.label)
        guard !defined[id.index] else {
          throw .invalid("\(node.label) makes '\(self[id].name)', which exists already")
        }
        defined[id.index] = true
      }
    }
    return defined
  }

  private func verifyRange(_ id: ValueID, _ place: String) throws(GraphError) {
    guard values.indices.contains(id.index) else {
      throw .invalid("\(place): value \(id.index) does not exist")
    }
  }

  private func verifyNames(_ defined: [Bool]) throws(GraphError) {
    var names = Set<String>()
    for (i, value) in values.enumerated() where defined[i] {
      guard !value.name.isEmpty else { throw .invalid("value \(i) has no name") }
      guard names.insert(value.name).inserted else {
        throw .invalid("two values have the name '\(value.name)'")
      }
      if let constant = value.constant,
        value.type != TensorType(constant.dtype, shape: constant.shape)
      {
        throw .invalid("constant '\(value.name)' differs from its declared type")
      }
    }
  }
}
