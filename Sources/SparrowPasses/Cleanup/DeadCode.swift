import SparrowCore

/// Removes nodes whose results nobody uses, and values that nothing refers to.
public struct DeadCode: Pass {
  public static let name = "dead-code"

  public init() {}

  // Pattern: y = f(x), z = g(x), return z -> z = g(x), return z
  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    guard limit > 0 else { return 0 }
    let values = graph.values.count
    var changes = graph.removeDeadNodes()
    graph.removeUnusedValues()
    changes += values - graph.values.count
    return changes
  }
}
