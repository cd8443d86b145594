/// ONNX GatherElements: the elements of data at indices along an axis. Inputs: data, indices (of data's
/// rank; negative ones count from the end), whose shape the output has.
public struct GatherElements: Operator {
  public var axis = 0

  public init(axis: Int = 0) { self.axis = axis }
  public var name: String { "GatherElements" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let (data, indices) = (try context.type(0), try context.dimensions(1))
    try ShapeRules.requireEqualRanks(data.dimensions, indices, "data and indices")
    if let rank = data.dimensions?.count { _ = try ShapeRules.axis(axis, rank: rank) }
    return [TensorType(data.dtype, indices)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (data, shape) = (try x.tensor(0), try outputShape(x))
    let positions = try ElementIndices(axis: axis, data: data.shape).positions(
      try x.integers(1), shape: shape)
    let words = data.words
    return [Tensor(data.dtype, shape, words: positions.map { words[$0] })]
  }
}
