/// ONNX Trilu: the upper or lower triangles of a tensor's matrices, zeros elsewhere. Inputs:
/// x `[..., rows, columns]`, k? (int64 scalar: the diagonal that bounds the triangle, 0 the main one,
/// positive ones above it).
public struct Trilu: Operator {
  public var isUpper = true

  public init() {}
  public var name: String { "Trilu" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...2 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("upper", &isUpper)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    try ShapeRules.require(rank: try context.dimensions(0), 2...Int.max, "x")
    return [try context.type(0)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let tensor = try x.tensor(0)
    let k = x.has(1) ? try x.integer(1) : 0
    guard tensor.rank >= 2 else {
      throw ComputeError("x has rank \(tensor.rank), expected 2 or more")
    }
    let (rows, columns) = (tensor.shape[tensor.rank - 2], tensor.shape[tensor.rank - 1])
    // Diagonals beyond the corners are all alike; clamped, the comparison cannot overflow.
    let diagonal = Swift.max(-rows - 1, Swift.min(k, columns + 1))
    var words = tensor.words
    for i in words.indices {
      let (row, column) = (i / columns % rows, i % columns)
      let isKept = isUpper ? column - row >= diagonal : column - row <= diagonal
      if !isKept { words[i] = 0 }
    }
    return [Tensor(tensor.dtype, tensor.shape, words: words)]
  }
}
