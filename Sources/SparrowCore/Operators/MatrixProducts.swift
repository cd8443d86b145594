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
    if context.has(2) { _ = try ShapeRules.broadcast(output, try context.dimensions(2)) }
    return [TensorType(a.dtype, output)]
  }
}

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
}
