import SparrowCore

extension Graph {
  /// This graph with constants as further inputs, in the given order: their values can then change
  /// from run to run without another plan. Throws for values that are not constants.
  public func promotingConstantsToInputs(
    _ constants: [ValueID]
  ) throws(DifferentiationError) -> Graph {
    var graph = self
    for id in constants {
      guard values.indices.contains(id.index), let tensor = graph[id].constant else {
        let name = values.indices.contains(id.index) ? self[id].name : "value \(id.index)"
        throw .notConstant(value: name)
      }
      graph[id].type = TensorType(tensor.dtype, shape: tensor.shape)
      graph[id].constant = nil
      graph.inputs.append(id)
    }
    return graph
  }
}
