/// ONNX MaxUnpool: puts elements back to where MaxPool took them from, zeros elsewhere. Inputs: x
/// `[N, C, ...]`, indices (of x's shape: positions in the whole tensor of the shape that the window
/// gives), output shape? (a larger one to put that into).
public struct MaxUnpool: Operator {
  public var kernel: [Int] = []
  public var strides: [Int]?
  /// Begins of all axes, then ends.
  public var pads: [Int]?

  public init() {}
  public var name: String { "MaxUnpool" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...3 }
  public var shapeInputs: [Int] { [2] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("kernel_shape", &kernel)
    try visitor.visit("strides", &strides)
    try visitor.visit("pads", &pads)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    try ShapeRules.require(rank: x.dimensions, 3...Int.max, "x")
    try ShapeRules.requireEqualRanks(x.dimensions, try context.dimensions(1), "x and indices")
    guard let input = x.dimensions else { return [x] }
    if context.has(2) {
      guard let shape = context.integers(2) else {
        return [TensorType(x.dtype, input.map { _ in .unknown })]
      }
      guard shape.count == input.count, shape.allSatisfy({ $0 >= 0 }) else {
        throw InferenceError("output_shape must be \(input.count) lengths")
      }
      return [TensorType(x.dtype, shape: shape)]
    }
    return [TensorType(x.dtype, try unpooled(input))]
  }

  /// The shape that was pooled.
  private func unpooled(_ input: [Dimension]) throws(InferenceError) -> [Dimension] {
    let rank = input.count - 2
    let window = try Window(kernel: kernel, strides: strides, pads: pads).resolved(
      kernel: nil, input: Array(input[2...]))
    var output = Array(input[..<2])
    for i in 0..<rank {
      guard let length = input[i + 2].value else {
        output.append(.unknown)
        continue
      }
      let result =
        (length - 1) * window.strides[i] - window.padsBegin[i] - window.padsEnd[i]
        + window.kernel[i]
      guard result >= 0 else { throw InferenceError("axis \(i + 2) would have length \(result)") }
      output.append(.known(result))
    }
    return output
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, shape) = (try x.tensor(0), try outputShape(x))
    let indices = try x.integers(1)
    guard indices.count == tensor.count else {
      throw ComputeError("x has \(tensor.count) elements, indices \(indices.count)")
    }
    let inner: [Int]
    do throws(InferenceError) {
      let type = TensorType(tensor.dtype, try unpooled(tensor.shape.map { .known($0) }))
      guard let known = type.shape, type.isRepresentable else {
        throw InferenceError("the shape that was pooled is too large")
      }
      inner = known
    } catch {
      throw ComputeError(error)
    }
    guard zip(inner, shape).allSatisfy({ $0 <= $1 }) else {
      throw ComputeError("output_shape \(shape) is smaller than the pooled shape \(inner)")
    }
    let (own, strides) = (inner.rowMajorStrides, shape.rowMajorStrides)
    var result = [UInt64](repeating: 0, count: shape.elementCount)
    for (index, word) in zip(indices, tensor.words) {
      guard index >= 0, index < inner.elementCount else {
        throw ComputeError("index \(index) lies outside a tensor of shape \(inner)")
      }
      var position = 0
      for k in inner.indices { position += index / own[k] % inner[k] * strides[k] }
      result[position] = word
    }
    return [Tensor(tensor.dtype, shape, words: result)]
  }
}
