import SparrowCore
import SparrowRuntime

extension Inspection {
  /// Adds the multiply-adds that gates leave over. `work` is what the runs of `samples` samples multiplied
  /// in each node of `graph` with gates; the others multiply all.
  public mutating func add(_ work: [GatedWork], of graph: Graph, samples: Int) {
    var shares: [String: Double] = [:]
    for node in work where node.multiplyAdds > 0 {
      shares[node.node] = Double(node.realisedMultiplyAdds) / Double(node.multiplyAdds)
    }
    for (i, use) in graph.weights().enumerated() where layers.indices.contains(i) {
      let share = shares[graph.nodes[use.node].label] ?? 1
      layers[i].realisedMultiplyAdds = layers[i].multiplyAdds.map {
        Int((Double($0) * share).rounded())
      }
    }
    totals.samples = samples
    guard totals.multiplyAdds != nil else { return }
    totals.realisedMultiplyAdds = layers.reduce(0) { $0 + ($1.realisedMultiplyAdds ?? 0) }
  }
}
