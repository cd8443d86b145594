/// ONNX LayerNormalization over the axes from `axis` on. Inputs: x, scale, bias?, both broadcast to x.
/// Outputs: the result, then the means and the inverse deviations (float32) where they are wanted.
public struct LayerNormalization: Operator {
  public var axis = -1
  public var epsilon: Float = 1e-5

  public init(axis: Int = -1, epsilon: Float = 1e-5) {
    (self.axis, self.epsilon) = (axis, epsilon)
  }

  public var name: String { "LayerNormalization" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...3 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
    try visitor.visit("epsilon", &epsilon)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    for i in 1...2 where context.has(i) {
      guard try context.type(i).dtype == x.dtype else {
        throw InferenceError(
          "input \(i) is \(try context.type(i).dtype.name), x is \(x.dtype.name)")
      }
    }
    var statistics: [Dimension]?
    if let input = x.dimensions {
      let axis = try ShapeRules.axis(axis, rank: input.count)
      try ShapeRules.require(try context.dimensions(1), broadcastsTo: input, "the scale")
      if context.has(2) {
        try ShapeRules.require(try context.dimensions(2), broadcastsTo: input, "the bias")
      }
      statistics = input[..<axis] + input[axis...].map { _ in .known(1) }
    }
    guard context.outputCount <= 3 else {
      throw InferenceError("it has \(context.outputCount) outputs, expected 3 at most")
    }
    let others = [TensorType](
      repeating: TensorType(.float32, statistics), count: context.outputCount - 1)
    return [x] + others
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let tensor = try x.tensor(0)
    let types = try outputTypes(x)
    let axis = try ShapeRules.concreteAxis(axis, rank: tensor.rank)
    let scale = try x.tensor(1)
    let (factors, shifts) = (scale.doubles, x.optional(2)?.doubles)
    let places = scale.shape.positions(broadcastTo: tensor.shape)
    let shiftPlaces = x.optional(2)?.shape.positions(broadcastTo: tensor.shape)
    let length = tensor.shape[axis...].reduce(1, *)
    var values = tensor.doubles
    var (means, inverses): ([Double], [Double]) = ([], [])
    for row in 0..<tensor.shape[..<axis].reduce(1, *) {
      let range = row * length..<(row + 1) * length
      let mean = values[range].reduce(0, +) / Double(length)
      let variance = values[range].reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(length)
      let inverse = 1 / (variance + Double(epsilon)).squareRoot()
      for i in range {
        values[i] = (values[i] - mean) * inverse * factors[places[i]]
        if let shifts, let shiftPlaces { values[i] += shifts[shiftPlaces[i]] }
      }
      means.append(mean)
      inverses.append(inverse)
    }
    let results = [values, means, inverses]
    return types.indices.map { Tensor(types[$0].dtype, types[$0].shape, doubles: results[$0]) }
  }
}
