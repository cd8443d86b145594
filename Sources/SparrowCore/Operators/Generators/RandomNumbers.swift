/// ONNX RandomUniform, RandomNormal, and those that take their shape, and their type unless it is
/// given, from an input.
///
/// The numbers follow from the `seed` attribute and are the same in every run and on every machine;
/// 0 stands in for an absent seed. They are not those of other implementations.
public struct RandomNumbers: Operator {
  public enum Distribution: Hashable, Sendable, CaseIterable {
    case uniform, normal
  }

  public var distribution: Distribution
  public var isLikeInput: Bool
  /// The lowest number, or the mean.
  public var location: Float = 0
  /// The bound that is not reached, or the deviation.
  public var scale: Float = 1
  public var seed: Float?
  public var shape: [Int] = []
  public var dtype = ChosenType()

  public init(_ distribution: Distribution, isLikeInput: Bool = false) {
    (self.distribution, self.isLikeInput) = (distribution, isLikeInput)
  }

  public var name: String {
    switch distribution {
    case .uniform: isLikeInput ? "RandomUniformLike" : "RandomUniform"
    case .normal: isLikeInput ? "RandomNormalLike" : "RandomNormal"
    }
  }
  public static var variants: [Self] {
    Distribution.allCases.flatMap { [Self($0), Self($0, isLikeInput: true)] }
  }
  public var inputCount: ClosedRange<Int> { isLikeInput ? 1...1 : 0...0 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try dtype.visit(&visitor)
    switch distribution {
    case .uniform:
      try visitor.visit("low", &location)
      try visitor.visit("high", &scale)
    case .normal:
      try visitor.visit("mean", &location)
      try visitor.visit("scale", &scale)
    }
    try visitor.visit("seed", &seed)
    if !isLikeInput { try visitor.visit("shape", &shape) }
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    if isLikeInput {
      let x = try context.type(0)
      return [TensorType(try dtype.type(or: x.dtype), x.dimensions)]
    }
    for length in shape where length < 0 {
      throw InferenceError("the shape has the entry \(length)")
    }
    return [TensorType(try dtype.type(or: .float32), shape: shape)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let type = try outputTypes(x)[0]
    var generator = RandomSource(seed: seed)
    let (location, scale) = (Double(location), Double(scale))
    let values = (0..<type.shape.elementCount).map { _ in
      switch distribution {
      case .uniform: location + generator.next() * (scale - location)
      case .normal: location + generator.nextNormal() * scale
      }
    }
    return [Tensor(type.dtype, type.shape, doubles: values)]
  }
}

/// Random numbers of an operator's `seed` attribute.
struct RandomSource {
  private var generator: SplitMix64

  init(seed: Float?) { generator = SplitMix64(seed: UInt64((seed ?? 0).bitPattern)) }

  /// From 0 to below 1.
  mutating func next() -> Double { generator.uniform() }

  /// Of mean 0 and deviation 1. (Box and Muller 1958.)
  mutating func nextNormal() -> Double {
    let radius = (-2 * Math.log(1 - next())).squareRoot()
    return radius * Math.cos(2 * Double.pi * next())
  }
}
