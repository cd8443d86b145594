/// ONNX DequantizeLinear: `(x - zero_point) * scale`, with one scale for the tensor, for each index of
/// an axis, or for each block along it. Inputs: x, scale, zero_point?. The output has the scale's
/// type, or ``outputType``.
public struct DequantizeLinear: Operator {
  public var axis = 1
  /// 0: not in blocks.
  public var block = 0
  /// ONNX's code of an element type; nil or 0: the scale's.
  public var outputType: Int?

  public init() {}
  public var name: String { "DequantizeLinear" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...3 }
  public var opset: Int { (outputType ?? 0) == 0 ? 21 : 23 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
    try visitor.visit("block_size", &block)
    try visitor.visit("output_dtype", &outputType)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    let scale = try context.type(1)
    if let shape = x.shape, let own = scale.shape {
      _ = try QuantizationGrid(shape, scale: own, axis: axis, block: block)
    }
    if context.has(2) {
      let zero = try context.type(2)
      guard zero.dtype == x.dtype else {
        throw InferenceError("the zero point is \(zero.dtype.name), x \(x.dtype.name)")
      }
      if let a = zero.shape, let b = scale.shape, a.elementCount != b.elementCount {
        throw InferenceError(
          "the zero point has \(a.elementCount) elements, the scale \(b.elementCount)")
      }
    }
    var dtype = scale.dtype
    if let code = outputType, code != 0 {
      guard let named = UInt8(exactly: code).flatMap({ DType(rawValue: $0) }) else {
        throw InferenceError("output_dtype \(code) is not supported")
      }
      dtype = named
    }
    guard dtype.isFloatingPoint else {
      throw InferenceError("a scale of type \(dtype.name) gives no floating-point numbers")
    }
    return [TensorType(dtype, x.dimensions)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, scale) = (try x.tensor(0), try x.tensor(1))
    let (dtype, grid): (DType, QuantizationGrid)
    do throws(InferenceError) {
      dtype = try inferTypes(x.context)[0].dtype
      grid = try QuantizationGrid(tensor.shape, scale: scale.shape, axis: axis, block: block)
    } catch {
      throw ComputeError(error)
    }
    let scales = scale.doubles
    let zeros = x.optional(2)?.doubles ?? [Double](repeating: 0, count: scales.count)
    var values = tensor.doubles
    for i in values.indices {
      let at = grid.index(i)
      values[i] = (values[i] - zeros[at]) * scales[at]
    }
    return [Tensor(dtype, tensor.shape, doubles: values)]
  }
}
