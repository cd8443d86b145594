/// ONNX Hardmax (opset 13 on: along one axis): 1 at the first largest element, 0 elsewhere.
public struct Hardmax: Operator {
  public var axis = -1

  public init(axis: Int = -1) { self.axis = axis }
  public var name: String { "Hardmax" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    if let input = x.dimensions { _ = try ShapeRules.axis(axis, rank: input.count) }
    return [x]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let tensor = try x.tensor(0)
    let axis = try ShapeRules.concreteAxis(axis, rank: tensor.rank)
    return [
      tensor.mapRuns(axis: axis) { run in
        var best = 0
        for i in run.indices where run[i] > run[best] { best = i }
        for i in run.indices { run[i] = i == best ? 1 : 0 }
      }
    ]
  }
}
