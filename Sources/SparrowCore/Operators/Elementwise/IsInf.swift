/// ONNX IsInf: which elements are infinite, counting infinities of the detected signs only.
public struct IsInf: Operator {
  public var detectsNegative = true
  public var detectsPositive = true

  public init() {}
  public var name: String { "IsInf" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("detect_negative", &detectsNegative)
    try visitor.visit("detect_positive", &detectsPositive)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    [TensorType(.bool, try context.dimensions(0))]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let flags = try x.doubles(0).map { value in
      value == .infinity && detectsPositive || value == -.infinity && detectsNegative ? 1 : 0
    }
    return [Tensor(.bool, try x.shape(0), integers: flags)]
  }
}
