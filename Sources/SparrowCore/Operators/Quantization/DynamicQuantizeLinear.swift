/// ONNX DynamicQuantizeLinear: float32 to uint8 with the scale and zero point that x's own range,
/// grown to include 0, asks for. Outputs: y, scale, zero point.
public struct DynamicQuantizeLinear: Operator {
  public init() {}
  public var name: String { "DynamicQuantizeLinear" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard x.dtype == .float32 else { throw InferenceError("x is \(x.dtype.name), expected f32") }
    let all = [
      TensorType(.uint8, x.dimensions), TensorType(.float32, shape: []),
      TensorType(.uint8, shape: []),
    ]
    return Array(all.prefix(context.outputCount))
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let tensor = try x.tensor(0)
    guard tensor.dtype == .float32 else { throw ComputeError("x is not float32") }
    let values = tensor.array(of: Float.self)
    var (low, high): (Float, Float) = (0, 0)
    for value in values {
      low = Swift.min(low, value)
      high = Swift.max(high, value)
    }
    let scale = (high == low ? 1 : high - low) / 255
    let zero = quantized(Double(0 - low / scale), zero: 0, 0...255)
    let words = values.map { value -> UInt64 in
      let y = quantized(Double(value / scale), zero: zero, 0...255)
      return y.isNaN ? 0 : UInt64(y)
    }
    let all = [
      Tensor(.uint8, tensor.shape, words: words), Tensor(scalar: scale),
      Tensor(.uint8, [], doubles: [zero]),
    ]
    return Array(all.prefix(x.outputCount))
  }
}
