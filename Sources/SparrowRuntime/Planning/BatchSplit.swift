import SparrowCore

/// A batch whose samples can be computed one after the other, each through the whole graph, by the
/// same plan and to the same bits as if it were alone.
///
/// What a sample leaves behind a layer stays in a core's cache until the next one reads it, and
/// workers that compute samples of their own exchange nothing. Both depend on the graph and its
/// shapes alone, never on the number of workers, so that results do not either.
struct BatchSplit {
  let samples: Int
  /// The graph for a batch of one.
  let graph: Graph

  /// nil where a sample's results depend on others, or the batch is faster as a whole; `graph` is
  /// one whose types are all concrete, and every value without a constant depends on its inputs.
  init?(_ graph: Graph) {
    guard let first = graph.inputs.first, let samples = graph[first].type?.shape?.first,
      samples > 1,
      (graph.inputs + graph.outputs).allSatisfy({ graph.carries(samples, $0) }),
      graph.nodes.allSatisfy({ graph.keepsSamplesApart($0, samples) }),
      let single = graph.forOneSample(), single.isFasterAlone
    else { return nil }
    (self.samples, self.graph) = (samples, single)
  }
}

extension Graph {
  /// Whether the first axis of a value is the batch.
  func carries(_ samples: Int, _ id: ValueID) -> Bool {
    self[id].constant == nil && self[id].type?.shape?.first == samples
  }

  /// This graph with 1 in the place of the batch, nil where a type does not follow.
  fileprivate func forOneSample() -> Graph? {
    func single(_ type: TensorType?) -> TensorType? {
      guard let type, let shape = type.shape, !shape.isEmpty else { return nil }
      return TensorType(type.dtype, shape: [1] + shape.dropFirst())
    }
    var graph = self
    for id in inputs { graph[id].type = single(self[id].type) }
    for i in graph.nodes.indices {
      if case .reshape = graph.nodes[i].op, graph.nodes[i].inputs.count > 1,
        let target = single(self[nodes[i].outputs[0]].type)?.shape
      {
        // The batch may be written in the shape.
        graph.nodes[i].inputs[1] = graph.addConstant(
          "\(self[nodes[i].outputs[0]].name).shape", Tensor(target.map { Int64($0) }))
      }
      guard let types = try? graph.inferredTypes(of: graph.nodes[i]) else { return nil }
      for (id, type) in zip(nodes[i].outputs, types) {
        guard type == single(self[id].type) else { return nil }
        graph[id].type = type
      }
    }
    return graph
  }

  /// Whether samples gain more from caches than they lose by reading the weights once each: small
  /// networks and those that are mostly matrix products do better with many rows at once.
  fileprivate var isFasterAlone: Bool {
    var multiplyAdds = 0
    var matrixElements = 0
    for use in weights() {
      switch use.kind {
      case .linear: matrixElements += use.view.count
      case .convolution, .depthwise:
        multiplyAdds = multiplyAdds.clampedSum(self.multiplyAdds(of: use) ?? 0)
      }
    }
    return multiplyAdds >= Self.leastMultiplyAdds
      && multiplyAdds / Self.multiplyAddsAnElement >= matrixElements
  }

  /// Fewer in the convolutions of a sample are not worth what starting each of their steps takes.
  private static var leastMultiplyAdds: Int { 20_000_000 }
  /// Multiply-adds of convolutions that take several times as long as reading an element of a matrix
  /// from memory.
  private static var multiplyAddsAnElement: Int { 200 }
}
