/// ONNX LpNormalization: x divided by its L1 or L2 norm along an axis; 0 where the norm is 0.
public struct LpNormalization: Operator {
  public var axis = -1
  /// 1 or 2.
  public var p = 2

  public init() {}
  public var name: String { "LpNormalization" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
    try visitor.visit("p", &p)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard p == 1 || p == 2 else { throw InferenceError("p is \(p), expected 1 or 2") }
    if let input = x.dimensions { _ = try ShapeRules.axis(axis, rank: input.count) }
    return [x]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let tensor = try x.tensor(0)
    let axis = try ShapeRules.concreteAxis(axis, rank: tensor.rank)
    return [
      tensor.mapRuns(axis: axis) { run in
        let sum = run.reduce(0) { $0 + (p == 1 ? abs($1) : $1 * $1) }
        let norm = p == 1 ? sum : sum.squareRoot()
        for i in run.indices { run[i] = norm == 0 ? 0 : run[i] / norm }
      }
    ]
  }
}
