import SparrowCore

/// Gives the bodies of Ifs, Loops and Scans their own copies of constants that they capture, so that
/// rewrites and kernels inside see them. Copies share their elements, in memory and in files.
public struct ConstantCaptures: Pass {
  public static let name = "constant-captures"

  public init() {}

  // Pattern: Loop(..., constant) {body(..., c): f(c)} -> Loop(...) {body(...): f(constant)}
  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    var changes = 0
    for i in graph.nodes.indices where changes < limit {
      let count = graph.nodes[i].op.subgraphs.first?.captures ?? 0
      guard count > 0, graph.nodes[i].inputs.count >= count else { continue }
      let captured = graph.nodes[i].inputs.suffix(count).map { id in
        id.flatMap { graph[$0].constant }
      }
      let sunk = captured.indices.filter { captured[$0] != nil }
      guard !sunk.isEmpty else { continue }
      graph.nodes[i].op.mapSubgraphs { Self.sink(captured, into: &$0) }
      let first = graph.nodes[i].inputs.count - count
      for place in sunk.reversed() { graph.nodes[i].inputs.remove(at: first + place) }
      while let last = graph.nodes[i].inputs.last, last == nil {
        graph.nodes[i].inputs.removeLast()
      }
      changes += 1
    }
    return changes
  }

  private static func sink(_ captured: [Tensor?], into subgraph: inout Subgraph) {
    let first = subgraph.graph.inputs.count - captured.count
    for (place, constant) in captured.enumerated().reversed() {
      guard let constant else { continue }
      let id = subgraph.graph.inputs.remove(at: first + place)
      subgraph.captures -= 1
      subgraph.graph[id].constant = constant
      subgraph.graph[id].type = TensorType(constant.dtype, shape: constant.shape)
    }
  }
}
