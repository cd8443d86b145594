import SparrowCompress

extension TrainingLoss.Task: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case name
    case labelSmoothing = "label_smoothing"
    case invariance, variance, covariance
  }

  /// How losses are written.
  enum LossName: String, CaseIterable {
    case crossEntropy = "cross-entropy"
    case meanSquaredError = "mse"
    case vicReg = "vicreg"
  }

  public init(from decoder: any Decoder) throws {
    let keys = try decoder.strictContainer(keyedBy: CodingKeys.self)
    let name = try keys.decodeIfPresent(String.self, forKey: .name) ?? "cross-entropy"
    let loss: LossName = try keys.named(name, .name)
    var foreign: [CodingKeys] = [.invariance, .variance, .covariance]
    switch loss {
    case .crossEntropy:
      self = .crossEntropy(
        labelSmoothing: try keys.decodeIfPresent(Double.self, forKey: .labelSmoothing) ?? 0)
    case .meanSquaredError:
      self = .meanSquaredError
      foreign.append(.labelSmoothing)
    case .vicReg:
      var weights = VICReg()
      weights.invariance =
        try keys.decodeIfPresent(Double.self, forKey: .invariance) ?? weights.invariance
      weights.variance =
        try keys.decodeIfPresent(Double.self, forKey: .variance) ?? weights.variance
      weights.covariance =
        try keys.decodeIfPresent(Double.self, forKey: .covariance) ?? weights.covariance
      self = .vicReg(weights)
      foreign = [.labelSmoothing]
    }
    for key in foreign where keys.contains(key) {
      let reason =
        key == .labelSmoothing
        ? "\(name) has no classes to smooth" : "\(name) has no such part; vicreg has"
      throw DecodingError.dataCorruptedError(forKey: key, in: keys, debugDescription: reason)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .crossEntropy(let smoothing):
      try keys.encode(LossName.crossEntropy.rawValue, forKey: .name)
      try keys.encode(smoothing, forKey: .labelSmoothing)
    case .meanSquaredError: try keys.encode(LossName.meanSquaredError.rawValue, forKey: .name)
    case .vicReg(let weights):
      try keys.encode(LossName.vicReg.rawValue, forKey: .name)
      try keys.encode(weights.invariance, forKey: .invariance)
      try keys.encode(weights.variance, forKey: .variance)
      try keys.encode(weights.covariance, forKey: .covariance)
    }
  }
}

extension GatingSettings: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case target, weight, bounds, decay, temperature, settling
  }

  public init(from decoder: any Decoder) throws {
    let keys = try decoder.strictContainer(keyedBy: CodingKeys.self)
    self.init(target: try keys.decode(Double.self, forKey: .target))
    weight = try keys.decodeIfPresent(Double.self, forKey: .weight) ?? weight
    bounds = try keys.decodeIfPresent(Double.self, forKey: .bounds) ?? bounds
    decay = try keys.decodeIfPresent(Double.self, forKey: .decay) ?? decay
    temperature = try keys.decodeIfPresent(Double.self, forKey: .temperature) ?? temperature
    settling = try keys.decodeIfPresent(Double.self, forKey: .settling) ?? settling
  }

  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode(target, forKey: .target)
    try keys.encode(weight, forKey: .weight)
    try keys.encode(bounds, forKey: .bounds)
    try keys.encode(decay, forKey: .decay)
    try keys.encode(temperature, forKey: .temperature)
    try keys.encode(settling, forKey: .settling)
  }
}
