import SparrowCompress

extension OptimizerSettings: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, momentum, nesterov, beta1, beta2, epsilon, trust
    case weightDecay = "weight_decay"
    case decaysVectors = "decay_vectors"
  }

  public init(from decoder: any Decoder) throws {
    let keys = try decoder.strictContainer(keyedBy: CodingKeys.self)
    self.init()
    if let name = try keys.decodeIfPresent(String.self, forKey: .name) {
      rule = try keys.named(name, .name)
    }
    momentum = try keys.decodeIfPresent(Double.self, forKey: .momentum) ?? momentum
    nesterov = try keys.decodeIfPresent(Bool.self, forKey: .nesterov) ?? nesterov
    beta1 = try keys.decodeIfPresent(Double.self, forKey: .beta1) ?? beta1
    beta2 = try keys.decodeIfPresent(Double.self, forKey: .beta2) ?? beta2
    epsilon = try keys.decodeIfPresent(Double.self, forKey: .epsilon) ?? epsilon
    trust = try keys.decodeIfPresent(Double.self, forKey: .trust) ?? trust
    weightDecay = try keys.decodeIfPresent(Double.self, forKey: .weightDecay) ?? weightDecay
    decaysVectors = try keys.decodeIfPresent(Bool.self, forKey: .decaysVectors) ?? decaysVectors
  }

  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode(rule.rawValue, forKey: .name)
    try keys.encode(momentum, forKey: .momentum)
    try keys.encode(nesterov, forKey: .nesterov)
    try keys.encode(beta1, forKey: .beta1)
    try keys.encode(beta2, forKey: .beta2)
    try keys.encode(epsilon, forKey: .epsilon)
    try keys.encode(trust, forKey: .trust)
    try keys.encode(weightDecay, forKey: .weightDecay)
    try keys.encode(decaysVectors, forKey: .decaysVectors)
  }
}

extension LearningRateSchedule: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case shape, milestones, factor, final
    case rate = "learning_rate"
    case warmUp = "warm_up"
  }

  /// How shapes are written.
  enum ShapeName: String, CaseIterable { case constant, step, cosine }

  public init(from decoder: any Decoder) throws {
    let keys = try decoder.strictContainer(keyedBy: CodingKeys.self)
    self.init(
      try keys.decode(Double.self, forKey: .rate),
      warmUp: try keys.decodeIfPresent(Double.self, forKey: .warmUp) ?? 0)
    let name = try keys.decodeIfPresent(String.self, forKey: .shape) ?? "cosine"
    let shapeName: ShapeName = try keys.named(name, .shape)
    var foreign: [CodingKeys] = [.milestones, .factor, .final]
    switch shapeName {
    case .constant: shape = .constant
    case .step:
      shape = .step(
        milestones: try keys.decode([Double].self, forKey: .milestones),
        factor: try keys.decodeIfPresent(Double.self, forKey: .factor) ?? 0.1)
      foreign = [.final]
    case .cosine:
      shape = .cosine(final: try keys.decodeIfPresent(Double.self, forKey: .final) ?? 0)
      foreign = [.milestones, .factor]
    }
    for key in foreign where keys.contains(key) {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: keys, debugDescription: "the shape \(name) has no such setting")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode(rate, forKey: .rate)
    try keys.encode(warmUp, forKey: .warmUp)
    switch shape {
    case .constant: try keys.encode(ShapeName.constant.rawValue, forKey: .shape)
    case .step(let milestones, let factor):
      try keys.encode(ShapeName.step.rawValue, forKey: .shape)
      try keys.encode(milestones, forKey: .milestones)
      try keys.encode(factor, forKey: .factor)
    case .cosine(let final):
      try keys.encode(ShapeName.cosine.rawValue, forKey: .shape)
      try keys.encode(final, forKey: .final)
    }
  }
}

extension Distillation: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case share, temperature }

  public init(from decoder: any Decoder) throws {
    let keys = try decoder.strictContainer(keyedBy: CodingKeys.self)
    self.init()
    share = try keys.decodeIfPresent(Double.self, forKey: .share) ?? share
    temperature = try keys.decodeIfPresent(Double.self, forKey: .temperature) ?? temperature
  }

  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode(share, forKey: .share)
    try keys.encode(temperature, forKey: .temperature)
  }
}

extension Augmentation: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case crop, cutout, area, contrast
    case flips = "flip"
  }

  public init(from decoder: any Decoder) throws {
    let keys = try decoder.strictContainer(keyedBy: CodingKeys.self)
    self.init()
    crop = try keys.decodeIfPresent(Int.self, forKey: .crop) ?? crop
    flips = try keys.decodeIfPresent(Bool.self, forKey: .flips) ?? flips
    cutout = try keys.decodeIfPresent(Int.self, forKey: .cutout) ?? cutout
    area = try keys.decodeIfPresent(Double.self, forKey: .area) ?? area
    contrast = try keys.decodeIfPresent(Double.self, forKey: .contrast) ?? contrast
  }

  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode(crop, forKey: .crop)
    try keys.encode(flips, forKey: .flips)
    try keys.encode(cutout, forKey: .cutout)
    try keys.encode(area, forKey: .area)
    try keys.encode(contrast, forKey: .contrast)
  }
}
