import SparrowCore

extension Reduce {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let x = try n.input(0)
    let rank = try b.rank(x)
    let context = try b.context(n.node)
    let axes = try b.resolved { () throws(InferenceError) in try self.axes(context, rank: rank) }
    guard let axes else { throw b.unsupported("its axes are computed") }
    // Both with length 1 along the reduced axes.
    var (g, y) = (try n.output(), n.node.outputs[0])
    if !keepsDimensions {
      (g, y) = (try b.unsqueeze(g, axes: axes), try b.unsqueeze(y, axes: axes))
    }
    return [try gradient(x, y, g, axes, &b)]
  }

  private func gradient(
    _ x: ValueID, _ y: ValueID, _ g: ValueID, _ axes: [Int], _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID {
    switch kind {
    case .sum: return try b.expand(g, like: x)
    case .mean: return try b.expand(try b.over(g, try b.ratio(x, y)), like: x)
    case .max, .min: return try b.share(g, among: x, equalTo: y, axes: axes)
    case .product: return try b.over(try b.times(g, y), x)
    case .l1: return try b.times(g, try b.unary(.sign, x))
    case .l2: return try b.times(try b.over(g, y), x)
    case .sumSquare: return try b.times(try b.times(g, 2), x)
    case .logSum:
      let inverse = try b.unary(.exp, try b.negative(y))
      return try b.expand(try b.times(g, inverse), like: x)
    case .logSumExp: return try b.times(g, try b.unary(.exp, try b.minus(x, y)))
    }
  }
}
