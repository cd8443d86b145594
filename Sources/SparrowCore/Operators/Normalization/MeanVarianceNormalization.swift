/// ONNX MeanVarianceNormalization: `(x - mean) / (deviation + 1e-9)` over the given axes.
public struct MeanVarianceNormalization: Operator {
  public var axes = [0, 2, 3]

  public init() {}
  public var name: String { "MeanVarianceNormalization" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axes", &axes)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    if let input = x.dimensions { _ = try ShapeRules.axes(axes, rank: input.count) }
    return [x]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let tensor = try x.tensor(0)
    var kept = tensor.shape
    for axis in axes { kept[try ShapeRules.concreteAxis(axis, rank: tensor.rank)] = 1 }
    let places = kept.positions(broadcastTo: tensor.shape)
    var values = tensor.doubles
    let depth = Double(tensor.count) / Double(Swift.max(kept.elementCount, 1))
    var means = [Double](repeating: 0, count: kept.elementCount)
    for (i, place) in places.enumerated() { means[place] += values[i] / depth }
    var variances = [Double](repeating: 0, count: means.count)
    for (i, place) in places.enumerated() {
      values[i] -= means[place]
      variances[place] += values[i] * values[i] / depth
    }
    for (i, place) in places.enumerated() { values[i] /= variances[place].squareRoot() + 1e-9 }
    return [Tensor(tensor.dtype, tensor.shape, doubles: values)]
  }
}
