/// ONNX EyeLike: a matrix of the shape of x with ones on one diagonal and zeros elsewhere.
public struct EyeLike: Operator {
  /// Positive above the main diagonal.
  public var diagonal = 0
  public var dtype = ChosenType()

  public init() {}
  public var name: String { "EyeLike" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try dtype.visit(&visitor)
    try visitor.visit("k", &diagonal)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    try ShapeRules.require(rank: x.dimensions, 2...2, "x")
    return [TensorType(try dtype.type(or: x.dtype), x.dimensions)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let type = try outputTypes(x)[0]
    let columns = type.shape[1]
    // Diagonals beyond the corners hold nothing; clamped, the sum cannot overflow.
    let offset = Swift.max(-type.shape[0], Swift.min(diagonal, columns))
    let ones = (0..<type.shape.elementCount).map { i in
      i % columns == i / columns + offset ? 1 : 0
    }
    return [Tensor(type.dtype, type.shape, integers: ones)]
  }
}
