import SparrowCore

/// Recognises GELU where an exporter spelled it out, exact or with the tanh approximation.
/// (Hendrycks and Gimpel 2016, Gaussian Error Linear Units.)
public struct GeluRecognition: Pass {
  public static let name = "gelu-recognition"

  public init() {}

  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    graph.rewriteNodes(limit: limit, rewrite)
  }

  // Pattern: x * 0.5 * (1 + erf(x / sqrt(2))) -> gelu(x), the factors in any order
  // Pattern: x * 0.5 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * x^3))) -> gelu(x, approximate=tanh)
  private func rewrite(_ i: Int, _ rewriter: inout Rewriter) -> Bool {
    guard let product = rewriter.product(endingAt: i), product.factors.count == 2,
      product.constant.isFloat(near: 0.5)
    else { return false }
    let output = rewriter.node(i).outputs[0]
    for (x, gate) in product.pairs {
      guard let sum = rewriter.maker(gate), let (bell, one) = rewriter.sum(sum), one == 1,
        let curve = rewriter.maker(bell), let function = rewriter.unary(curve)?.function,
        let argument = rewriter.node(curve).input(0),
        let inside = function == .erf
          ? exactArgument(argument, of: x, rewriter) : tanhArgument(argument, of: x, rewriter),
        function == .erf || function == .tanh
      else { continue }
      let inner = product.nodes.subtracting([i]).union(inside).union([sum, curve])
      guard rewriter.isClosed(inner, last: i), rewriter.rank(x) != nil,
        rewriter.rank(x) == rewriter.rank(output)
      else { continue }
      var gelu = Unary(.gelu)
      gelu.approximation = function == .erf ? .none : .tanh
      rewriter.replace(i, .unary(gelu), [x])
      return true
    }
    return false
  }

  /// The nodes that make x / sqrt(2).
  private func exactArgument(_ id: ValueID, of x: ValueID, _ rewriter: Rewriter) -> Set<Int>? {
    guard let i = rewriter.maker(id), let product = rewriter.product(endingAt: i),
      product.factors == [x], product.constant.isFloat(near: 0.5.squareRoot())
    else { return nil }
    return product.nodes
  }

  /// The nodes that make sqrt(2/pi) * (x + 0.044715 * x^3).
  private func tanhArgument(_ id: ValueID, of x: ValueID, _ rewriter: Rewriter) -> Set<Int>? {
    guard let i = rewriter.maker(id), let product = rewriter.product(endingAt: i),
      product.factors.count == 1, product.constant.isFloat(near: (2 / Double.pi).squareRoot()),
      let sum = rewriter.maker(product.factors[0], .add)
    else { return nil }
    let node = rewriter.node(sum)
    for (linear, cubic) in [(0, 1), (1, 0)] where node.input(linear) == x {
      guard let last = rewriter.maker(node.input(cubic)),
        let cube = rewriter.product(endingAt: last), cube.constant.isFloat(near: 0.044715),
        let power = cubeNodes(cube.factors, of: x, rewriter)
      else { continue }
      return product.nodes.union(cube.nodes).union(power).union([sum])
    }
    return nil
  }

  /// The nodes beyond the product where its factors are x * x * x or pow(x, 3).
  private func cubeNodes(_ factors: [ValueID], of x: ValueID, _ rewriter: Rewriter) -> Set<Int>? {
    if factors == [x, x, x] { return [] }
    guard factors.count == 1, let power = rewriter.maker(factors[0], .pow),
      rewriter.node(power).input(0) == x, rewriter.scalar(rewriter.node(power).input(1)) == 3
    else { return nil }
    return [power]
  }
}
