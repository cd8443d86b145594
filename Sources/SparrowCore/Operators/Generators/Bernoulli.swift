/// ONNX Bernoulli: 1 with each element's probability, else 0. See ``RandomNumbers`` about the seed.
public struct Bernoulli: Operator {
  public var seed: Float?
  public var dtype = ChosenType()

  public init() {}
  public var name: String { "Bernoulli" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try dtype.visit(&visitor)
    try visitor.visit("seed", &seed)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    return [TensorType(try dtype.type(or: x.dtype), x.dimensions)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let type = try outputTypes(x)[0]
    var generator = RandomSource(seed: seed)
    let results = try x.doubles(0).map { generator.next() < $0 ? 1 : 0 }
    return [Tensor(type.dtype, type.shape, integers: results)]
  }
}
