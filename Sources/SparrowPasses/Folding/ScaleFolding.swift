import SparrowCore

/// Folds a multiplication by constants per channel into the weight of the convolution or matrix
/// product before it. The weight keeps its zeros and its kind of storage.
public struct ScaleFolding: Pass {
  public static let name = "scale-folding"

  public init() {}

  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    graph.rewriteNodes(limit: limit, rewrite)
  }

  // Pattern: mul(conv(x, W, b), s) -> conv(x, W * s, b * s), s constant per channel
  // Pattern: div(conv(x, W, b), s) -> conv(x, W / s, b / s)
  private func rewrite(_ i: Int, _ rewriter: inout Rewriter) -> Bool {
    let node = rewriter.node(i)
    guard case .binary(let op) = node.op, let a = node.input(0), let b = node.input(1) else {
      return false
    }
    switch op.function {
    case .mul:
      return fold(b, into: a, at: i, &rewriter) { $0 } || fold(a, into: b, at: i, &rewriter) { $0 }
    case .div: return fold(b, into: a, at: i, &rewriter) { 1 / $0 }
    default: return false
    }
  }

  private func fold(
    _ constant: ValueID, into x: ValueID, at i: Int, _ rewriter: inout Rewriter,
    _ factor: (Double) -> Double
  ) -> Bool {
    guard let producer = rewriter.maker(x),
      let values = rewriter.perChannel(constant, ofOutputOf: producer)
    else { return false }
    let affine = ChannelAffine(scale: values.map(factor), shift: nil)
    return rewriter.fold(affine, into: producer, last: i)
  }
}
