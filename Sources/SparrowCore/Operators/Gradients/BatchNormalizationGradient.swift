/// Sparrow's own: the gradients of a BatchNormalization in training mode. Inputs: x `[N, C, ...]`, scale `[C]`,
/// the gradient of the normalised values, of x's shape. Outputs: the gradients of x, scale and bias.
///
/// ```
/// n = (x - mean) / sqrt(variance + epsilon)      with x's own mean and variance in each channel
/// dbias = sum g        dscale = sum g n        dx = scale / sqrt(variance + epsilon) (g - mean g - n mean(g n))
/// ```
/// (Ioffe and Szegedy, arXiv 1502.03167, section 3.)
public struct BatchNormalizationGradient: Operator {
  public var epsilon: Float

  public init(epsilon: Float = 1e-5) { self.epsilon = epsilon }

  public var name: String { "BatchNormalizationGradient" }
  public var domain: String { "sparrow" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 3...3 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("epsilon", &epsilon)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let (x, scale) = (try context.type(0), try context.type(1))
    let gradient = try context.type(2)
    guard x.dtype == gradient.dtype, x.dtype == scale.dtype else {
      throw InferenceError(
        "x is \(x.dtype.name), scale \(scale.dtype.name), the gradient \(gradient.dtype.name)")
    }
    try ShapeRules.require(rank: scale.dimensions, 1...1, "scale")
    if let dimensions = x.dimensions {
      guard dimensions.count > 1 else {
        throw InferenceError("x has rank \(dimensions.count), expected 2 or more")
      }
      if let channels = scale.dimensions?.first {
        _ = try ShapeRules.unify(dimensions[1], channels, what: "channels of x and of scale")
      }
      try ShapeRules.requireEqualRanks(x.dimensions, gradient.dimensions, "x and the gradient")
      for (i, (a, b)) in zip(dimensions, gradient.dimensions ?? dimensions).enumerated() {
        _ = try ShapeRules.unify(a, b, what: "axis \(i) of x and of the gradient")
      }
    }
    return Array([x, scale, scale].prefix(context.outputCount))
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let types = try outputTypes(x)
    let shape = try x.shape(0)
    let (values, scale, gradients) = (try x.doubles(0), try x.doubles(1), try x.doubles(2))
    let (channels, plane) = (shape[1], shape.dropFirst(2).reduce(1, *))
    let depth = Double(max(1, values.count / max(1, channels)))
    var results = [gradients, [Double](repeating: 0, count: channels), scale]
    for c in 0..<channels {
      let places = (0..<shape[0]).flatMap { image in
        let first = (image * channels + c) * plane
        return Array(first..<first + plane)
      }
      let mean = places.reduce(0.0) { $0 + values[$1] } / depth
      let variance =
        places.reduce(0.0) { $0 + (values[$1] - mean) * (values[$1] - mean) } / depth
      let inverse = 1 / (variance + Double(epsilon)).squareRoot()
      let sum = places.reduce(0.0) { $0 + gradients[$1] }
      let dot = places.reduce(0.0) { $0 + gradients[$1] * (values[$1] - mean) * inverse }
      (results[1][c], results[2][c]) = (dot, sum)
      for i in places {
        let normal = (values[i] - mean) * inverse
        results[0][i] = scale[c] * inverse * (gradients[i] - sum / depth - normal * dot / depth)
      }
    }
    return types.indices.map { Tensor(types[$0].dtype, types[$0].shape, doubles: results[$0]) }
  }
}
