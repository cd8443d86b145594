/// ONNX MatMul, NumPy's rules for any ranks. Sparrow's own: an optional third input, a bias `[N]`
/// added to every row, and a fused activation.
public struct MatMul: Operator {
  public var activation: Activation

  public init(activation: Activation = .none) { self.activation = activation }

  public var name: String { "MatMul" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("activation", &activation)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let a = try context.type(0)
    guard var left = a.dimensions, var right = try context.dimensions(1) else {
      return [TensorType(a.dtype, nil)]
    }
    guard !left.isEmpty, !right.isEmpty else {
      throw InferenceError("operands must have rank 1 or more")
    }
    let dropsRow = left.count == 1
    let dropsColumn = right.count == 1
    if dropsRow { left = [.known(1)] + left }
    if dropsColumn { right.append(.known(1)) }
    _ = try ShapeRules.unify(
      left[left.count - 1], right[right.count - 2], what: "the inner dimensions")
    var output =
      try ShapeRules.broadcast(Array(left.dropLast(2)), Array(right.dropLast(2))) ?? []
    if !dropsRow { output.append(left[left.count - 2]) }
    if !dropsColumn { output.append(right[right.count - 1]) }
    return [TensorType(a.dtype, output)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (a, b) = (try x.tensor(0), try x.tensor(1))
    let type = try outputTypes(x)[0]
    guard a.dtype == b.dtype else {
      throw ComputeError("a product of \(a.dtype.name) and \(b.dtype.name)")
    }
    if a.dtype.isFloatingPoint {
      var sums = products(a, b, a.doubles, b.doubles, zero: 0) { $0 + $1 * $2 }
      if let bias = x.optional(2)?.doubles, let n = type.shape.last, n > 0 {
        guard bias.count == n else { throw ComputeError("the bias has \(bias.count) elements") }
        for i in sums.indices { sums[i] += bias[i % n] }
      }
      return [activation.tensor(type.dtype, type.shape, doubles: sums)]
    }
    guard activation == .none, !x.has(2) else {
      throw ComputeError("bias and activation are floating point only")
    }
    let sums = products(a, b, a.wrappedIntegers, b.wrappedIntegers, zero: 0) { $0 &+ $1 &* $2 }
    return [Tensor(type.dtype, type.shape, integers: sums)]
  }

  private func products<T>(
    _ a: Tensor, _ b: Tensor, _ p: [T], _ q: [T], zero: T, multiplyAdd: (T, T, T) -> T
  ) -> [T] {
    let left = a.rank == 1 ? [1] + a.shape : a.shape
    let right = b.rank == 1 ? b.shape + [1] : b.shape
    let (m, k, n) = (left[left.count - 2], left[left.count - 1], right[right.count - 1])
    let (outer, inner) = (Array(left.dropLast(2)), Array(right.dropLast(2)))
    guard let batch = try? outer.broadcast(with: inner) else { return [] }
    var results: [T] = []
    let firsts = zip(outer.positions(broadcastTo: batch), inner.positions(broadcastTo: batch))
    for (i, j) in firsts {
      results += MatrixProduct.sums(
        p, q, m: m, n: n, k: k, aPlace: { (i * m + $0) * k + $1 },
        bPlace: { (j * k + $0) * n + $1 }, zero: zero, multiplyAdd: multiplyAdd)
    }
    return results
  }
}
