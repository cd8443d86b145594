import SparrowCore

/// How a parameter gets its first values.
public enum Initialization: Hashable, Sendable {
  /// The connections that a weight's variance is divided by.
  public enum Fan: Hashable, Sendable {
    /// Inputs of one output: keeps the variance of activations.
    case inputs
    /// Outputs times kernel positions, as PyTorch counts them: keeps the variance of gradients where
    /// there is one group.
    case outputs
    /// The same of one group, which is what a grouped convolution's gradient sees.
    case groupOutputs(groups: Int)
  }

  case constant(Float)
  /// Normal of mean 0.
  case normal(deviation: Double)
  /// The same for an embedding, one row of which, of the padding token, is zero.
  case embedding(deviation: Double, zeroRow: Int)
  /// Uniform from -bound to bound.
  case uniform(bound: Double)
  /// Normal of variance 2 / fan, for layers before a ReLU. (He et al. 2015, Delving Deep into
  /// Rectifiers, equations 10 and 14.)
  case kaimingNormal(Fan)
  /// Uniform within 1 / sqrt(inputs of one output): what PyTorch's layers do by themselves (its
  /// kaiming_uniform with a = sqrt 5), variance 1 / (3 inputs).
  case uniformFanIn

  /// The fan of a weight `[outputs, inputs of a group, kernel...]`.
  static func count(_ fan: Fan, _ shape: [Int]) -> Int {
    let positions = shape.dropFirst(2).reduce(1, *)
    let (outputs, inputs) = (shape.first ?? 1, shape.count > 1 ? shape[1] : 1)
    switch fan {
    case .inputs: return max(1, inputs * positions)
    case .outputs: return max(1, outputs * positions)
    case .groupOutputs(let groups): return max(1, outputs * positions / max(1, groups))
    }
  }

  /// A float32 parameter of `shape`, `[outputs, inputs of a group, kernel...]`. The same name and seed
  /// give the same numbers; the shape's lengths must be above 0 and their product no overflow.
  public func tensor(_ shape: [Int], name: String, seed: UInt64) -> Tensor {
    Tensor(of: Float.self, shape: shape) { fill($0, shape: shape, name: name, seed: seed) }
  }

  /// Writes a parameter of `shape`, `[outputs, inputs of a group, kernel...]`. The same name and seed
  /// give the same numbers.
  func fill(
    _ target: UnsafeMutableBufferPointer<Float>, shape: [Int], name: String, seed: UInt64
  ) {
    var random = ParameterRandom(name: name, seed: seed)
    switch self {
    case .constant(let value): target.update(repeating: value)
    case .normal(let deviation): random.fillNormal(target, deviation: deviation)
    case .embedding(let deviation, let row):
      random.fillNormal(target, deviation: deviation)
      let width = shape.dropFirst().reduce(1, *)
      guard row >= 0, row < (shape.first ?? 0) else { return }
      for i in row * width..<(row + 1) * width { target[i] = 0 }
    case .uniform(let bound): random.fillUniform(target, bound: bound)
    case .kaimingNormal(let fan):
      let variance = 2 / Double(Self.count(fan, shape))
      random.fillNormal(target, deviation: variance.squareRoot())
    case .uniformFanIn:
      random.fillUniform(target, bound: 1 / Double(Self.count(.inputs, shape)).squareRoot())
    }
  }
}

/// The random numbers of one parameter: they follow from its name and the seed, so that a layer more or
/// less elsewhere changes nothing.
struct ParameterRandom {
  private var generator: SplitMix64

  init(name: String, seed: UInt64) {
    // FNV-1a of the name, and a seed's first number so that near seeds are far apart.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    var mixer = SplitMix64(seed: seed)
    generator = SplitMix64(seed: hash ^ mixer.next())
  }

  /// Pairs of normal numbers from pairs of uniform ones. (Box and Muller 1958.)
  mutating func fillNormal(_ target: UnsafeMutableBufferPointer<Float>, deviation: Double) {
    var i = 0
    while i < target.count {
      let radius = deviation * (-2 * Math.log(1 - generator.uniform())).squareRoot()
      let angle = 2 * Double.pi * generator.uniform()
      target[i] = Float(radius * Math.cos(angle))
      if i + 1 < target.count { target[i + 1] = Float(radius * Math.sin(angle)) }
      i += 2
    }
  }

  mutating func fillUniform(_ target: UnsafeMutableBufferPointer<Float>, bound: Double) {
    for i in target.indices { target[i] = Float(generator.uniform(-bound...bound)) }
  }
}
