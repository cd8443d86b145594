import SparrowCore

/// Recognises a mean or maximum over every spatial axis of images or volumes as global pooling.
///
/// Tensors of rank 3 are left alone: their last axis is as often features as it is space.
public struct GlobalPoolRecognition: Pass {
  public static let name = "global-pool-recognition"

  public init() {}

  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    graph.rewriteNodes(limit: limit, rewrite)
  }

  // Pattern: reduceMean(x, [2,3]) -> globalAveragePool(x), x of rank 4; reduceMax likewise
  // Pattern: reduceMean(x, [2,3]) {keepdims=false} -> flatten(globalAveragePool(x))
  private func rewrite(_ i: Int, _ rewriter: inout Rewriter) -> Bool {
    let node = rewriter.node(i)
    guard case .reduce(let op) = node.op, let kind = poolKind(op.kind), let x = node.input(0),
      rewriter.isFloat32(x), let rank = rewriter.rank(x), rank >= 4, rank <= 5,
      let axes = rewriter.constant(node.input(1))?.integers,
      axes.map({ $0 < 0 ? $0 + rank : $0 }).sorted() == Array(2..<rank)
    else { return false }
    let pool = Op.globalPool(GlobalPool(kind))
    if op.keepsDimensions {
      rewriter.replace(i, pool, [x])
      return true
    }
    guard let pooled = try? rewriter.insert(pool, [x], name: node.name + ".pool", before: i) else {
      return false
    }
    rewriter.replace(i + 1, .flatten(Flatten(axis: 1)), [pooled])
    return true
  }

  private func poolKind(_ kind: Reduce.Kind) -> Pool.Kind? {
    switch kind {
    case .mean: .average
    case .max: .max
    case .sum, .min, .product, .l1, .l2, .sumSquare, .logSum, .logSumExp: nil
    }
  }
}
