import SparrowCore

extension PlanBuilder {
  /// Packs the large float32 weights on all workers at once, and lets go of the file pages they come
  /// from. The steps are prepared one after the other later, and then find their weights in the cache.
  ///
  /// Steps made here are thrown away: only what they leave in the cache counts, and an error comes
  /// again when the step is prepared for good.
  func packWeights() {
    let nodes = nodesByWeight()
    pool.forEach(nodes.count) { i in
      let node = graph.nodes[nodes[i]]
      guard var preparation = try? preparation(of: node, at: nodes[i]) else { return }
      _ = try? node.op.prepare(&preparation)
      node.input(1).flatMap { graph[$0].constant }?.releasePages()
    }
  }

  /// Nodes that multiply by a large constant of float32, those with most weights first.
  private func nodesByWeight() -> [Int] {
    var found: [(node: Int, count: Int)] = []
    for (i, node) in graph.nodes.enumerated() where !gates.isMoved(i) {
      switch node.op {
      case .conv, .gemm, .matMul: break
      default: continue
      }
      guard let id = node.input(1), let weight = graph[id].constant, weight.dtype == .float32,
        weight.count >= Self.smallestShared
      else { continue }
      found.append((i, weight.count))
    }
    return found.sorted { ($1.count, $0.node) < ($0.count, $1.node) }.map { $0.node }
  }

  /// Weights of fewer elements are packed sooner than shared out.
  private static var smallestShared: Int { 4_096 }
}
