/// ONNX Mod: the remainder of a / b, with NumPy broadcasting. It has b's sign, or a's with `fmod`,
/// which floating-point operands need.
public struct Mod: Operator {
  public var truncates = false

  public init() {}
  public var name: String { "Mod" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("fmod", &truncates)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    try [ShapeRules.elementwise(context)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let (a, b) = (try x.tensor(0), try x.tensor(1))
    let shape = try a.shape.broadcast(with: b.shape)
    let (i, j) = (a.shape.positions(broadcastTo: shape), b.shape.positions(broadcastTo: shape))
    if a.dtype.isFloatingPoint {
      let (p, q) = (a.doubles, b.doubles)
      let results = zip(i, j).map { remainder(p[$0], q[$1]) }
      return [Tensor(a.dtype, shape, doubles: results)]
    }
    let (p, q) = (a.wrappedIntegers, b.wrappedIntegers)
    guard !q.contains(0) else { throw ComputeError("integer division by zero") }
    let results =
      a.dtype == .uint64
      ? zip(i, j).map { Int(bitPattern: UInt(bitPattern: p[$0]) % UInt(bitPattern: q[$1])) }
      : zip(i, j).map { remainder(p[$0], q[$1]) }
    return [Tensor(a.dtype, shape, integers: results)]
  }

  private func remainder(_ a: Double, _ b: Double) -> Double {
    let rest = Math.fmod(a, b)
    return !truncates && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
  }

  private func remainder(_ a: Int, _ b: Int) -> Int {
    if b == -1 { return 0 }  // the least integer's quotient would overflow
    let rest = a % b
    return !truncates && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
  }
}
