import SparrowCore

/// Lets a convolution, matrix product or elementwise operator apply the activation after it.
public struct ActivationFusion: Pass {
  public static let name = "activation-fusion"

  public init() {}

  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    graph.rewriteNodes(limit: limit, rewrite)
  }

  private func rewrite(_ i: Int, _ rewriter: inout Rewriter) -> Bool {
    let node = rewriter.node(i)
    switch node.op {
    case .binary: return fuseSilu(i, &rewriter)
    case .unary(let op):
      guard let activation = activation(op) else { return false }
      return fuse(activation, i, &rewriter)
    case .clip:
      guard let low = bound(node.input(1), -Float.infinity, rewriter),
        let high = bound(node.input(2), Float.infinity, rewriter), low <= high
      else { return false }
      let isRelu = low == 0 && high == Float.infinity
      return fuse(isRelu ? .relu : .clip(low: low, high: high), i, &rewriter)
    default: return false
    }
  }

  // Pattern: relu(conv(x, W, b)) -> conv(x, W, b) {activation=relu}, likewise the others
  private func fuse(_ activation: Activation, _ i: Int, _ rewriter: inout Rewriter) -> Bool {
    let node = rewriter.node(i)
    guard let x = node.input(0), let producer = rewriter.maker(x), rewriter.isPrivate(x),
      rewriter.isFloat32(x)
    else { return false }
    var before = rewriter.node(producer)
    guard before.op.takesActivation,
      let fused = composed(before.op.activation, activation)
    else { return false }
    before.op.activation = fused
    rewriter.replace(i, before.op, before.inputs, name: before.name)
    return true
  }

  // Pattern: mul(y, sigmoid(y)), y = conv(x, W, b) -> conv(x, W, b) {activation=silu}
  private func fuseSilu(_ i: Int, _ rewriter: inout Rewriter) -> Bool {
    guard let product = rewriter.product(endingAt: i), product.constant == 1,
      product.factors.count == 2
    else { return false }
    let output = rewriter.node(i).outputs[0]
    for (y, gate) in product.pairs {
      guard let sigmoid = rewriter.maker(gate), rewriter.unary(sigmoid)?.function == .sigmoid,
        rewriter.node(sigmoid).input(0) == y, let producer = rewriter.maker(y)
      else { continue }
      var before = rewriter.node(producer)
      let inner = product.nodes.subtracting([i]).union([sigmoid, producer])
      guard before.op.takesActivation, before.op.activation == .none,
        rewriter.isClosed(inner, last: i), rewriter.rank(y) != nil,
        rewriter.rank(y) == rewriter.rank(output)
      else { continue }
      before.op.activation = .silu
      rewriter.replace(i, before.op, before.inputs, name: before.name)
      return true
    }
    return false
  }

  /// One activation that does what `first` and then `second` do; nil where there is none.
  private func composed(_ first: Activation, _ second: Activation) -> Activation? {
    if first == .none { return second }
    guard let inner = first.clamp, let outer = second.clamp else { return nil }
    let low = min(max(inner.low, outer.low), outer.high)
    let high = min(max(inner.high, outer.low), outer.high)
    return low == 0 && high == Float.infinity ? .relu : .clip(low: low, high: high)
  }

  private func activation(_ op: Unary) -> Activation? {
    switch op.function {
    case .relu: .relu
    case .sigmoid: .sigmoid
    case .tanh: .tanh
    case .gelu: op.approximation == .none ? .gelu : nil
    case .hardSigmoid: .hardSigmoid(alpha: op.alpha, beta: op.beta)
    case .hardSwish: .hardSwish
    case .swish: op.alpha == 1 ? .silu : nil
    default: nil
    }
  }

  private func bound(_ id: ValueID?, _ missing: Float, _ rewriter: Rewriter) -> Float? {
    guard let id else { return missing }
    guard let value = rewriter.constant(id)?.scalarFloat, !value.isNaN else { return nil }
    return value
  }
}
