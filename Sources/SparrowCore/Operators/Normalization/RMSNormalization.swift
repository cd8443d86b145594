/// ONNX RMSNormalization: x divided by its root mean square over the axes from `axis` on, times a
/// scale that is broadcast to x. Inputs: x, scale. (Zhang and Sennrich 2019.)
public struct RMSNormalization: Operator {
  public var axis = -1
  public var epsilon: Float = 1e-5

  public init(axis: Int = -1, epsilon: Float = 1e-5) {
    (self.axis, self.epsilon) = (axis, epsilon)
  }

  public var name: String { "RMSNormalization" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }
  public var opset: Int { 23 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
    try visitor.visit("epsilon", &epsilon)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let (x, scale) = (try context.type(0), try context.type(1))
    if let input = x.dimensions {
      _ = try ShapeRules.axis(axis, rank: input.count)
      try ShapeRules.require(scale.dimensions, broadcastsTo: input, "the scale")
    }
    return [TensorType(scale.dtype, x.dimensions)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, scale) = (try x.tensor(0), try x.tensor(1))
    _ = try outputTypes(x)
    let axis = try ShapeRules.concreteAxis(axis, rank: tensor.rank)
    let factors = scale.doubles
    let places = scale.shape.positions(broadcastTo: tensor.shape)
    let length = tensor.shape[axis...].reduce(1, *)
    var values = tensor.doubles
    for row in 0..<tensor.shape[..<axis].reduce(1, *) {
      let range = row * length..<(row + 1) * length
      let mean = values[range].reduce(0) { $0 + $1 * $1 } / Double(length)
      let inverse = 1 / (mean + Double(epsilon)).squareRoot()
      for i in range { values[i] *= inverse * factors[places[i]] }
    }
    return [Tensor(scale.dtype, tensor.shape, doubles: values)]
  }
}
