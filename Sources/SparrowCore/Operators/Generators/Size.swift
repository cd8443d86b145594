/// ONNX Size: the number of x's elements, an int64 scalar.
public struct SizeOf: Operator {
  public init() {}
  public var name: String { "Size" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    _ = try context.type(0)
    return [TensorType(.int64, shape: [])]
  }

  public func valueFromTypes(_ context: InferenceContext) -> Tensor? {
    guard let count = context.inputs.first??.type.shape?.checkedElementCount else { return nil }
    return Tensor(scalar: Int64(count))
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    return [Tensor(scalar: Int64(try x.tensor(0).count))]
  }
}
