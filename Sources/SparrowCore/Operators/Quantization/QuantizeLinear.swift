/// ONNX QuantizeLinear: `saturate(round(x / scale) + zero_point)`, ties to even, with one scale for
/// the tensor, for each index of an axis, or for each block along it.
///
/// Inputs: x, scale, zero_point?. The output has the zero point's type, else ``outputType``, else uint8.
public struct QuantizeLinear: Operator {
  public var axis = 1
  /// 0: not in blocks.
  public var block = 0
  /// ONNX's code of an element type; 0: not given.
  public var outputType = 0
  /// The type to divide in, as ONNX's code; nil or 0: the scale's.
  public var precision: Int?
  /// For floating-point types of 8 bits: values beyond the largest become it, instead of infinity or
  /// NaN.
  public var saturates = true

  public init() {}
  public var name: String { "QuantizeLinear" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...3 }
  public var opset: Int { (precision ?? 0) == 0 ? 21 : 23 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
    try visitor.visit("block_size", &block)
    try visitor.visit("output_dtype", &outputType)
    try visitor.visit("precision", &precision)
    try visitor.visit("saturate", &saturates)
  }

  private func resultType(_ zero: DType?) throws(InferenceError) -> DType {
    var dtype = zero ?? .uint8
    if outputType != 0, zero == nil {
      guard let named = UInt8(exactly: outputType).flatMap({ DType(rawValue: $0) }) else {
        throw InferenceError("output_dtype \(outputType) is not supported")
      }
      dtype = named
    }
    guard dtype.quantizedRange != nil || dtype.minifloat != nil else {
      throw InferenceError("numbers are not quantised to \(dtype.name)")
    }
    return dtype
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    let scale = try context.type(1)
    if let shape = x.shape, let own = scale.shape {
      _ = try QuantizationGrid(shape, scale: own, axis: axis, block: block)
    }
    let zero = context.has(2) ? try context.type(2) : nil
    if let zero, let a = zero.shape, let b = scale.shape, a.elementCount != b.elementCount {
      throw InferenceError(
        "the zero point has \(a.elementCount) elements, the scale \(b.elementCount)")
    }
    return [TensorType(try resultType(zero?.dtype), x.dimensions)]
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
    let named = precision.flatMap { UInt8(exactly: $0) }.flatMap { DType(rawValue: $0) }
    let division = named ?? scale.dtype
    var values = tensor.doubles
    if let format = dtype.minifloat {
      // Zero points of these types are 0.
      let codes = values.indices.map { i in
        format.code(division.rounded(values[i] / scales[grid.index(i)]), saturates: saturates)
      }
      return [Tensor(dtype: dtype, shape: tensor.shape, bytes: Bytes(copying: codes))]
    }
    guard let range = dtype.quantizedRange else { throw ComputeError("not a quantised type") }
    for i in values.indices {
      let at = grid.index(i)
      values[i] = quantized(division.rounded(values[i] / scales[at]), zero: zeros[at], range)
    }
    return [Tensor(dtype, tensor.shape, doubles: values)]
  }
}
