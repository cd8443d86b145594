/// ONNX BitShift: a's bits moved by b places, with NumPy broadcasting. Signed types keep their sign
/// to the right; by their width or more, or by negative places, nothing but that sign is left.
public struct BitShift: Operator {
  public enum Direction: AttributeChoice {
    case left, right
    public var name: String { self == .left ? "LEFT" : "RIGHT" }
  }

  public var direction = Direction.left

  public init() {}
  public var name: String { "BitShift" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }
  public func opset(of dtype: DType) -> Int {
    switch dtype {
    case .int8, .int16, .int32, .int64: 28
    default: 1
    }
  }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("direction", &direction)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let type = try ShapeRules.elementwise(context)
    guard !type.dtype.isFloatingPoint, type.dtype != .bool else {
      throw InferenceError("operands are \(type.dtype.name), expected integers")
    }
    return [type]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let (a, b) = (try x.tensor(0), try x.tensor(1))
    let shape = try a.shape.broadcast(with: b.shape)
    let (i, j) = (a.shape.positions(broadcastTo: shape), b.shape.positions(broadcastTo: shape))
    let (p, q) = (a.wrappedIntegers, b.wrappedIntegers)
    let width = 8 * a.dtype.size
    let isUnsigned = a.dtype == .uint64
    let results = zip(i, j).map { i, j in
      let (value, places) = (p[i], q[j])
      let isTooFar = places < 0 || places >= width
      if direction == .left { return isTooFar ? 0 : value << places }
      if isUnsigned { return isTooFar ? 0 : Int(bitPattern: UInt(bitPattern: value) >> places) }
      return isTooFar ? (value < 0 ? -1 : 0) : value >> places
    }
    return [Tensor(a.dtype, shape, integers: results)]
  }
}
