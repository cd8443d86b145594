/// ONNX Cast. Floating point to integer truncates, saturates, and makes NaN 0; integer to narrower
/// integer keeps the low bits; everything but 0 is true.
public struct Cast: Operator {
  public var to: DType
  /// For floating-point types of 8 and fewer bits: values beyond the largest become it, instead of
  /// infinity or NaN.
  public var saturates = true
  /// For float8e8m0.
  public var rounding = Minifloat.Rounding.up
  public init(to: DType = .float32) { self.to = to }
  public var name: String { "Cast" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }
  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("to", &to)
    if to.minifloat != nil { try visitor.visit("saturate", &saturates) }
    if to == .float8e8m0 { try visitor.visit("round_mode", &rounding) }
  }
  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    [TensorType(to, try context.dimensions(0))]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let tensor = try x.tensor(0)
    if tensor.dtype == to { return [tensor] }
    if let format = to.minifloat {
      let rounding = to == .float8e8m0 ? rounding : .nearest
      // These formats' conversions are defined from float32.
      let codes = tensor.doubles.map {
        format.code(Double(Float($0)), saturates: saturates, rounding: rounding)
      }
      return [Tensor(dtype: to, shape: tensor.shape, bytes: Bytes(copying: codes))]
    }
    if to.bits < 8, tensor.dtype.isFloatingPoint {
      // Low bits of whole numbers, as the operator's test cases have it.
      let whole = Tensor(.int64, tensor.shape, doubles: tensor.doubles)
      return [Tensor(to, tensor.shape, integers: whole.integers ?? [])]
    }
    if tensor.dtype.isFloatingPoint || tensor.dtype == .uint64 && to.isFloatingPoint {
      return [Tensor(to, tensor.shape, doubles: tensor.doubles)]
    }
    return [Tensor(to, tensor.shape, integers: tensor.wrappedIntegers)]
  }
}
