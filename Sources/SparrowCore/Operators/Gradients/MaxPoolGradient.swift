/// Sparrow's own: the gradient of MaxPool with respect to its input. Inputs: x `[N, C, ...]`, the gradient
/// of the pooled values. Output: of x's shape; each window's gradient goes to the first of its largest
/// elements, and those of overlapping windows add up.
public struct MaxPoolGradient: Operator {
  public var window: Window
  /// Output lengths were rounded up.
  public var ceilMode = false

  public init(window: Window = Window(), ceilMode: Bool = false) {
    (self.window, self.ceilMode) = (window, ceilMode)
  }

  public var name: String { "MaxPoolGradient" }
  public var domain: String { "sparrow" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try window.visit(&visitor)
    try visitor.visit("ceil_mode", &ceilMode)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let (x, gradient) = (try context.type(0), try context.type(1))
    guard x.dtype == gradient.dtype else {
      throw InferenceError("x is \(x.dtype.name), the gradient \(gradient.dtype.name)")
    }
    try ShapeRules.require(rank: x.dimensions, 3...5, "x")
    try ShapeRules.requireEqualRanks(x.dimensions, gradient.dimensions, "x and the gradient")
    guard let input = x.dimensions, let output = gradient.dimensions else { return [x] }
    let pooled =
      try input[..<2]
      + window.outputDimensions(kernel: nil, input: Array(input.dropFirst(2)), ceilMode: ceilMode)
    for i in pooled.indices {
      _ = try ShapeRules.unify(pooled[i], output[i], what: "axis \(i) of the gradient")
    }
    return [x]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, gradients) = (try x.tensor(0), try x.doubles(1))
    let shape = try outputShape(x)
    var pool = Pool(.max, window: window)
    pool.ceilMode = ceilMode
    let places = try pool.compute(Operands([tensor], outputCount: 2))[1].integers ?? []
    var sums = [Double](repeating: 0, count: shape.elementCount)
    for (place, gradient) in zip(places, gradients) { sums[place] += gradient }
    return [Tensor(tensor.dtype, shape, doubles: sums)]
  }
}
