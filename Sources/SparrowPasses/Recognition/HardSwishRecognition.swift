import SparrowCore

/// Recognises hard-swish where an exporter spelled it out. (Howard et al. 2019, MobileNetV3.)
public struct HardSwishRecognition: Pass {
  public static let name = "hard-swish-recognition"

  public init() {}

  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    graph.rewriteNodes(limit: limit, rewrite)
  }

  // Pattern: x * clip(x + 3, 0, 6) / 6 -> hardSwish(x), the factors in any order
  // Pattern: x * hardSigmoid(x) {alpha=1/6, beta=0.5} -> hardSwish(x)
  private func rewrite(_ i: Int, _ rewriter: inout Rewriter) -> Bool {
    guard let product = rewriter.product(endingAt: i), product.factors.count == 2 else {
      return false
    }
    let output = rewriter.node(i).outputs[0]
    for (x, gate) in product.pairs {
      guard let last = rewriter.maker(gate),
        let (nodes, constant) = self.gate(last, of: x, rewriter),
        product.constant.isFloat(near: constant),
        rewriter.isClosed(product.nodes.subtracting([i]).union(nodes), last: i),
        rewriter.rank(x) != nil, rewriter.rank(x) == rewriter.rank(output)
      else { continue }
      rewriter.replace(i, .unary(Unary(.hardSwish)), [x])
      return true
    }
    return false
  }

  /// The nodes of a gate of x that ends at node `i`, and the constant the product must have with it.
  private func gate(
    _ i: Int, of x: ValueID, _ rewriter: Rewriter
  ) -> (nodes: Set<Int>, constant: Double)? {
    let node = rewriter.node(i)
    if let op = rewriter.unary(i), op.function == .hardSigmoid, node.input(0) == x,
      Double(op.alpha).isFloat(near: 1 / 6), op.beta == 0.5
    {
      return ([i], 1)
    }
    guard case .clip = node.op, rewriter.scalar(node.input(1)) == 0,
      rewriter.scalar(node.input(2)) == 6, let sum = rewriter.maker(node.input(0)),
      let (argument, three) = rewriter.sum(sum), argument == x, three == 3
    else { return nil }
    return ([i, sum], 1 / 6)
  }
}
