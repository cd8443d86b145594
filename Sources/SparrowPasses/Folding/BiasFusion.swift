import SparrowCore

/// Makes an addition of constants per channel the bias of the convolution or matrix product before
/// it; a MatMul gets a third input by this.
public struct BiasFusion: Pass {
  public static let name = "bias-fusion"

  public init() {}

  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    graph.rewriteNodes(limit: limit, rewrite)
  }

  // Pattern: add(conv(x, W, b), c) -> conv(x, W, b + c), c constant per channel
  // Pattern: sub(conv(x, W, b), c) -> conv(x, W, b - c)
  // Pattern: add(matMul(x, W), c) -> matMul(x, W, c)
  private func rewrite(_ i: Int, _ rewriter: inout Rewriter) -> Bool {
    let node = rewriter.node(i)
    guard case .binary(let op) = node.op, let a = node.input(0), let b = node.input(1) else {
      return false
    }
    switch op.function {
    case .add:
      return fuse(b, into: a, at: i, sign: 1, &rewriter)
        || fuse(a, into: b, at: i, sign: 1, &rewriter)
    case .sub: return fuse(b, into: a, at: i, sign: -1, &rewriter)
    default: return false
    }
  }

  private func fuse(
    _ constant: ValueID, into x: ValueID, at i: Int, sign: Double, _ rewriter: inout Rewriter
  ) -> Bool {
    guard let producer = rewriter.maker(x),
      let values = rewriter.perChannel(constant, ofOutputOf: producer)
    else { return false }
    let affine = ChannelAffine(scale: nil, shift: values.map { $0 * sign })
    return rewriter.fold(affine, into: producer, last: i)
  }
}
