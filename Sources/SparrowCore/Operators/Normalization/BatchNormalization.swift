/// ONNX BatchNormalization. Inputs: x `[N, C, ...]`, scale, bias, mean, variance, each `[C]`.
///
/// In training mode the mean and the variance are x's own, and two more outputs are the given ones
/// moved towards them.
public struct BatchNormalization: Operator {
  public var epsilon: Float = 1e-5
  /// How much of the given mean and variance stays in training mode.
  public var momentum: Float = 0.9
  public var isTraining = false

  public init() {}

  public var name: String { "BatchNormalization" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 5...5 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("epsilon", &epsilon)
    try visitor.visit("momentum", &momentum)
    try visitor.visit("training_mode", &isTraining)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    for i in 1...4 {
      guard let parameter = try context.dimensions(i) else { continue }
      guard parameter.count == 1 else {
        throw InferenceError("input \(i) has rank \(parameter.count), expected 1")
      }
      if let input = x.dimensions, input.count > 1 {
        _ = try ShapeRules.unify(input[1], parameter[0], what: "channels of x and of input \(i)")
      }
    }
    guard context.outputCount <= (isTraining ? 3 : 1) else {
      throw InferenceError("it has \(context.outputCount) outputs, but is not in training mode")
    }
    return Array([x, try context.type(3), try context.type(4)].prefix(context.outputCount))
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let tensor = try x.tensor(0)
    let types = try outputTypes(x)
    var values = tensor.doubles
    let channels = tensor.rank > 1 ? tensor.shape[1] : 1
    let plane = tensor.shape.dropFirst(2).reduce(1, *)
    for i in 1...4 where try x.tensor(i).count != channels {
      throw ComputeError("input \(i) has \(try x.tensor(i).count) elements, expected \(channels)")
    }
    var (means, variances) = (try x.doubles(3), try x.doubles(4))
    var results: [[Double]] = [[], means, variances]
    if isTraining {
      (means, variances) = moments(values, channels, plane)
      let kept = Double(momentum)
      for c in 0..<channels {
        results[1][c] = results[1][c] * kept + means[c] * (1 - kept)
        results[2][c] = results[2][c] * kept + variances[c] * (1 - kept)
      }
    }
    let (scale, bias) = (try x.doubles(1), try x.doubles(2))
    for i in values.indices {
      let c = i / plane % channels
      let inverse = 1 / (variances[c] + Double(epsilon)).squareRoot()
      values[i] = (values[i] - means[c]) * inverse * scale[c] + bias[c]
    }
    results[0] = values
    return types.indices.map { Tensor(types[$0].dtype, types[$0].shape, doubles: results[$0]) }
  }

  /// Each channel's mean and variance.
  private func moments(
    _ values: [Double], _ channels: Int, _ plane: Int
  ) -> (means: [Double], variances: [Double]) {
    var means = [Double](repeating: 0, count: channels)
    var variances = means
    guard !values.isEmpty else { return (means, variances) }
    let depth = Double(values.count / channels)
    for (i, value) in values.enumerated() { means[i / plane % channels] += value / depth }
    for (i, value) in values.enumerated() {
      let c = i / plane % channels
      variances[c] += (value - means[c]) * (value - means[c]) / depth
    }
    return (means, variances)
  }
}
