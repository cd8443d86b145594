/// ONNX BitCast: the same bits as elements of another type of equal size.
public struct BitCast: Operator {
  public var to: DType

  public init(to: DType = .float32) { self.to = to }
  public var name: String { "BitCast" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }
  public var opset: Int { 26 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("to", &to)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard x.dtype.size == to.size else {
      throw InferenceError("elements of \(x.dtype.name) and \(to.name) differ in size")
    }
    return [TensorType(to, x.dimensions)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let tensor = try x.tensor(0)
    guard tensor.dtype.size == to.size else {
      throw ComputeError("elements of \(tensor.dtype.name) and \(to.name) differ in size")
    }
    return [Tensor(to, tensor.shape, words: tensor.words)]
  }
}
