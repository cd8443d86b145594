import SparrowCore

/// Replaces an If whose condition is constant by the nodes of the branch that is taken.
public struct BranchSelection: Pass {
  public static let name = "branch-selection"

  public init() {}

  // Pattern: If(true, x) {then: f(x), else: g(x)} -> f(x)
  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    limit > 0 ? graph.inlineBranches() : 0
  }
}
