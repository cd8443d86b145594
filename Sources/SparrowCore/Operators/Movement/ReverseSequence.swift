/// ONNX ReverseSequence: reverses the first elements of each sequence of a batch. Inputs: x (of rank 2
/// or more), lengths `[batch]`.
public struct ReverseSequence: Operator {
  /// 0 or 1.
  public var batchAxis = 1
  /// The other one.
  public var timeAxis = 0

  public init() {}
  public var name: String { "ReverseSequence" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }
  public func opset(of dtype: DType) -> Int { dtype == .bfloat16 ? 28 : 1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("batch_axis", &batchAxis)
    try visitor.visit("time_axis", &timeAxis)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    guard batchAxis == 0 || batchAxis == 1, timeAxis == 1 - batchAxis else {
      throw InferenceError(
        "batch_axis is \(batchAxis) and time_axis \(timeAxis), expected 0 and 1 or 1 and 0")
    }
    let x = try context.type(0)
    try ShapeRules.require(rank: x.dimensions, 2...Int.max, "x")
    return [x]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let (tensor, lengths) = (try x.tensor(0), try x.integers(1))
    let (batch, time) = (tensor.shape[batchAxis], tensor.shape[timeAxis])
    guard lengths.count == batch, lengths.allSatisfy({ (0...time).contains($0) }) else {
      throw ComputeError("sequence_lens must be \(batch) lengths from 0 to \(time)")
    }
    let inner = tensor.shape[2...].elementCount
    let strides = tensor.shape.rowMajorStrides
    let words = tensor.words
    var result = words
    for b in 0..<batch {
      for t in 0..<lengths[b] {
        let to = b * strides[batchAxis] + t * strides[timeAxis]
        let from = b * strides[batchAxis] + (lengths[b] - 1 - t) * strides[timeAxis]
        for k in 0..<inner { result[to + k] = words[from + k] }
      }
    }
    return [Tensor(tensor.dtype, tensor.shape, words: result)]
  }
}
