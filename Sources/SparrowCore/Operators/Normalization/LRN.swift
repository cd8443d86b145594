/// ONNX LRN: `x / (bias + alpha / size * s)^beta`, where s sums the squares of `size` channels around
/// an element's own. (Krizhevsky et al. 2012.)
public struct LRN: Operator {
  public var alpha: Float = 1e-4
  public var beta: Float = 0.75
  public var bias: Float = 1
  public var size = 1

  public init() {}
  public var name: String { "LRN" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("alpha", &alpha)
    try visitor.visit("beta", &beta)
    try visitor.visit("bias", &bias)
    try visitor.visit("size", &size)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    try ShapeRules.require(rank: try context.dimensions(0), 2...Int.max, "x")
    guard size >= 1 else { throw InferenceError("size is \(size), expected 1 or more") }
    return [try context.type(0)]
  }

  /// The channels that channel `c` of `channels` takes its divisor from.
  package func window(_ c: Int, of channels: Int) -> Range<Int> {
    let before = Swift.min((size - 1) / 2, c)
    let after = Swift.min(size / 2, channels - 1 - c)
    return c - before..<c + after + 1
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let tensor = try x.tensor(0)
    _ = try outputTypes(x)
    let channels = tensor.shape[1]
    let plane = tensor.shape[2...].reduce(1, *)
    let values = tensor.doubles
    var results = values
    for i in values.indices {
      let channel = i / plane % channels
      let sum = window(channel, of: channels).reduce(0.0) { sum, other in
        let value = values[i + (other - channel) * plane]
        return sum + value * value
      }
      let divisor = Double(bias) + Double(alpha) / Double(size) * sum
      results[i] /= Math.pow(divisor, Double(beta))
    }
    return [Tensor(tensor.dtype, tensor.shape, doubles: results)]
  }
}
