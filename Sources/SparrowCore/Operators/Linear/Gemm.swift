/// ONNX Gemm: `alpha * A' B' + beta * C`, with A `[M, K]` or transposed and B `[K, N]` or transposed.
public struct Gemm: Operator {
  public var alpha: Float
  public var beta: Float
  public var transposesA: Bool
  public var transposesB: Bool
  /// Sparrow's own: applied to the result.
  public var activation: Activation

  public init(
    alpha: Float = 1, beta: Float = 1, transposesA: Bool = false, transposesB: Bool = false,
    activation: Activation = .none
  ) {
    (self.alpha, self.beta, self.activation) = (alpha, beta, activation)
    (self.transposesA, self.transposesB) = (transposesA, transposesB)
  }

  public var name: String { "Gemm" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...3 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("alpha", &alpha)
    try visitor.visit("beta", &beta)
    try visitor.visit("transA", &transposesA)
    try visitor.visit("transB", &transposesB)
    try visitor.visit("activation", &activation)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let a = try context.type(0)
    let b = try context.type(1)
    try ShapeRules.require(rank: a.dimensions, 2...2, "A")
    try ShapeRules.require(rank: b.dimensions, 2...2, "B")
    let left = a.dimensions ?? [.unknown, .unknown]
    let right = b.dimensions ?? [.unknown, .unknown]
    _ = try ShapeRules.unify(
      transposesA ? left[0] : left[1], transposesB ? right[1] : right[0],
      what: "the inner dimensions")
    let output = [transposesA ? left[1] : left[0], transposesB ? right[0] : right[1]]
    if context.has(2) {
      try ShapeRules.require(try context.dimensions(2), broadcastsTo: output, "C")
    }
    return [TensorType(a.dtype, output)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (a, b) = (try x.tensor(0), try x.tensor(1))
    let type = try outputTypes(x)[0]
    guard a.dtype == b.dtype, x.optional(2).map({ $0.dtype == a.dtype }) ?? true else {
      throw ComputeError("its operands differ in type")
    }
    let (m, n) = (type.shape[0], type.shape[1])
    let k = transposesA ? a.shape[0] : a.shape[1]
    let aPlace = { (i: Int, l: Int) in transposesA ? l * m + i : i * k + l }
    let bPlace = { (l: Int, j: Int) in transposesB ? j * k + l : l * n + j }
    let places = x.optional(2)?.shape.positions(broadcastTo: type.shape)
    if !a.dtype.isFloatingPoint, alpha == 1, beta == 1, activation == .none {
      var sums = MatrixProduct.sums(
        a.wrappedIntegers, b.wrappedIntegers, m: m, n: n, k: k, aPlace: aPlace, bPlace: bPlace,
        zero: 0
      ) { $0 &+ $1 &* $2 }
      if let addend = x.optional(2)?.wrappedIntegers, let places {
        for i in sums.indices { sums[i] = sums[i] &+ addend[places[i]] }
      }
      return [Tensor(type.dtype, type.shape, integers: sums)]
    }
    var sums = MatrixProduct.sums(
      a.doubles, b.doubles, m: m, n: n, k: k, aPlace: aPlace, bPlace: bPlace, zero: 0
    ) { $0 + $1 * $2 }
    let addend = x.optional(2)?.doubles
    for i in sums.indices {
      sums[i] *= Double(alpha)
      if let addend, let places { sums[i] += Double(beta) * addend[places[i]] }
    }
    return [activation.tensor(type.dtype, type.shape, doubles: sums)]
  }
}
