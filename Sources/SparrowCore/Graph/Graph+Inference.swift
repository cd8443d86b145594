extension Graph {
  /// Infers the type of every value from inputs and constants, in node order, and merges it with
  /// what was declared: a known dimension wins over an open one.
  public mutating func inferTypes() throws(GraphError) {
    for node in nodes {
      let types = try inferredTypes(of: node)
      for (id, type) in zip(node.outputs, types) {
        self[id].type = try merged(type, self[id].type, node)
      }
    }
  }

  /// The types of one node's outputs from those of its inputs.
  public func inferredTypes(of node: Node) throws(GraphError) -> [TensorType] {
    let types: [TensorType]
    let context = try context(of: node)
    do throws(InferenceError) {
      types = try node.op.inferTypes(context)
    } catch {
      throw .inference(node: node.label, reason: error.reason)
    }
    guard types.count == node.outputs.count else {
      throw .inference(
        node: node.label, reason: "it has \(node.outputs.count) outputs, expected \(types.count)")
    }
    for type in types where !type.isRepresentable {
      throw .inference(
        node: node.label, reason: "its output would be \(type.text), which is too large")
    }
    return types
  }

  /// What is known of a node's inputs.
  public func context(of node: Node) throws(GraphError) -> InferenceContext {
    var inputs: [InferenceContext.Input?] = []
    for id in node.inputs {
      guard let id else {
        inputs.append(nil)
        continue
      }
      guard let type = self[id].type else {
        throw .inference(
          node: node.label, reason: "the type of input '\(self[id].name)' is unknown")
      }
      inputs.append(InferenceContext.Input(type: type, constant: self[id].constant))
    }
    return InferenceContext(inputs: inputs, outputCount: node.outputs.count)
  }

  private func merged(
    _ inferred: TensorType, _ declared: TensorType?, _ node: Node
  ) throws(GraphError) -> TensorType {
    guard let declared else { return inferred }
    guard declared.dtype == inferred.dtype else {
      throw .inference(
        node: node.label,
        reason: "its output is declared \(declared.dtype.name), inferred \(inferred.dtype.name)")
    }
    guard let old = declared.dimensions, let new = inferred.dimensions else {
      return TensorType(inferred.dtype, inferred.dimensions ?? declared.dimensions)
    }
    guard old.count == new.count else { return inferred }
    var result: [Dimension] = []
    for (a, b) in zip(old, new) {
      switch (a, b) {
      case (_, .known): result.append(b)
      case (.known, _): result.append(a)
      case (_, .unknown): result.append(a)
      default: result.append(b)
      }
    }
    return TensorType(inferred.dtype, result)
  }
}
