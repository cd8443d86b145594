import SparrowCore

/// Removes Identity and Dropout, which in inference pass their input on.
///
/// One that gives a graph input or a constant out as a graph output stays: an output needs a node.
public struct IdentityRemoval: Pass {
  public static let name = "identity-removal"

  public init() {}

  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    graph.rewriteNodes(limit: limit, rewrite)
  }

  // Pattern: identity(x) -> x, dropout(x) -> x
  private func rewrite(_ i: Int, _ rewriter: inout Rewriter) -> Bool {
    let node = rewriter.node(i)
    guard case .identity = node.op, node.outputs.count == 1, let x = node.input(0) else {
      return false
    }
    return rewriter.replaceUses(of: node.outputs[0], with: x)
  }
}
