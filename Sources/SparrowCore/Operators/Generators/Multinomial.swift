/// ONNX Multinomial: indices of outcomes drawn with replacement, whose probabilities follow from
/// logarithms `[batch, outcomes]`; result `[batch, sample_size]`. See ``RandomNumbers`` about the seed.
public struct Multinomial: Operator {
  public var dtype = DType.int32
  public var samples = 1
  public var seed: Float?

  public init() {}
  public var name: String { "Multinomial" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("dtype", &dtype)
    try visitor.visit("sample_size", &samples)
    try visitor.visit("seed", &seed)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let input = try context.dimensions(0)
    try ShapeRules.require(rank: input, 2...2, "x")
    guard samples >= 0 else { throw InferenceError("sample_size is \(samples)") }
    return [TensorType(dtype, [input?[0] ?? .unknown, .known(samples)])]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let tensor = try x.tensor(0)
    let type = try outputTypes(x)[0]
    let outcomes = tensor.shape[1]
    guard outcomes > 0 || type.shape.elementCount == 0 else {
      throw ComputeError("there are no outcomes to draw from")
    }
    var generator = RandomSource(seed: seed)
    let values = tensor.doubles
    var drawn: [Int] = []
    for batch in 0..<(samples == 0 ? 0 : type.shape[0]) {
      let row = values[batch * outcomes..<(batch + 1) * outcomes]
      let largest = row.max() ?? 0
      let weights = row.map { Math.exp($0 - largest) }
      let total = weights.reduce(0, +)
      for _ in 0..<samples {
        var (outcome, rest) = (0, generator.next() * total)
        while outcome + 1 < outcomes, rest >= weights[outcome] {
          rest -= weights[outcome]
          outcome += 1
        }
        drawn.append(outcome)
      }
    }
    return [Tensor(type.dtype, type.shape, integers: drawn)]
  }
}
