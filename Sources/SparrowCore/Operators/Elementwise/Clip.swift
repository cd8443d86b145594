/// ONNX Clip. Inputs: x, low?, high? (scalars).
public struct Clip: Operator {
  public init() {}
  public var name: String { "Clip" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...3 }
  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    [try context.type(0)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let tensor = try x.tensor(0)
    for i in 1...2 where x.has(i) {
      guard try x.tensor(i).count == 1, try x.dtype(i) == tensor.dtype else {
        throw ComputeError("its bounds must be scalars of x's type")
      }
    }
    if tensor.dtype.isFloatingPoint {
      let low = x.has(1) ? try x.double(1) : -Double.infinity
      let high = x.has(2) ? try x.double(2) : Double.infinity
      let values = tensor.doubles.map { value in
        let raised = value < low || low.isNaN ? low : value
        return raised > high || high.isNaN ? high : raised
      }
      return [Tensor(tensor.dtype, tensor.shape, doubles: values)]
    }
    // Flipping the sign bit of unsigned 64-bit numbers keeps their order among signed ones.
    let flip = tensor.dtype == .uint64 ? Int.min : 0
    let low = x.optional(1).map { $0.wrappedIntegers[0] ^ flip } ?? Int.min
    let high = x.optional(2).map { $0.wrappedIntegers[0] ^ flip } ?? Int.max
    let values = tensor.wrappedIntegers.map { Swift.min(Swift.max($0 ^ flip, low), high) ^ flip }
    return [Tensor(tensor.dtype, tensor.shape, integers: values)]
  }
}
