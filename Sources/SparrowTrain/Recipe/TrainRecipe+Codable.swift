import SparrowCompress

// Decoding is written out so that a mistyped key is an error instead of a silent default.

extension TrainRecipe: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case version, calibration, steps, train }

  /// The keys of `train`.
  enum TrainKeys: String, CodingKey, CaseIterable {
    case epochs, batch, seed, optimizer, schedule, loss, distillation, gating, clip, augmentation
    case normalization, frozen, head, backbone, method
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
    try container.checkRecipeVersion(forKey: .version)
    self.init(
      steps: try container.decodeIfPresent([RecipeStep].self, forKey: .steps) ?? [],
      calibration: try container.decodeIfPresent(CalibrationSettings.self, forKey: .calibration)
        ?? CalibrationSettings())
    try decodeTraining(try container.superDecoder(forKey: .train))
  }

  private mutating func decodeTraining(_ decoder: any Decoder) throws {
    let keys = try decoder.strictContainer(keyedBy: TrainKeys.self)
    let usual = TrainingSettings()
    training.epochs = try keys.decode(Int.self, forKey: .epochs)
    training.batch = try keys.decodeIfPresent(Int.self, forKey: .batch) ?? usual.batch
    training.seed = try keys.decodeIfPresent(UInt64.self, forKey: .seed) ?? usual.seed
    training.optimizer =
      try keys.decodeIfPresent(OptimizerSettings.self, forKey: .optimizer) ?? usual.optimizer
    training.schedule =
      try keys.decodeIfPresent(LearningRateSchedule.self, forKey: .schedule) ?? usual.schedule
    training.loss.task =
      try keys.decodeIfPresent(TrainingLoss.Task.self, forKey: .loss) ?? usual.loss.task
    training.loss.distillation = try keys.decodeIfPresent(Distillation.self, forKey: .distillation)
    training.gating = try keys.decodeIfPresent(GatingSettings.self, forKey: .gating)
    training.clip = try keys.decodeIfPresent(Double.self, forKey: .clip)
    training.augmentation =
      try keys.decodeIfPresent(Augmentation.self, forKey: .augmentation) ?? usual.augmentation
    if let name = try keys.decodeIfPresent(String.self, forKey: .normalization) {
      training.normalization = try keys.named(name, .normalization)
    }
    training.frozen = try keys.decodeIfPresent([String].self, forKey: .frozen) ?? []
    head = try keys.decodeIfPresent(HeadSettings.self, forKey: .head)
    if let name = try keys.decodeIfPresent(String.self, forKey: .backbone) {
      backbone = try keys.named(name, .backbone)
    }
    method = try keys.decodeIfPresent(MethodSettings.self, forKey: .method) ?? MethodSettings()
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(Recipe.currentVersion, forKey: .version)
    try container.encode(calibration, forKey: .calibration)
    try container.encode(steps, forKey: .steps)
    var keys = container.nestedContainer(keyedBy: TrainKeys.self, forKey: .train)
    try keys.encode(training.epochs, forKey: .epochs)
    try keys.encode(training.batch, forKey: .batch)
    try keys.encode(training.seed, forKey: .seed)
    try keys.encode(training.optimizer, forKey: .optimizer)
    try keys.encode(training.schedule, forKey: .schedule)
    try keys.encode(training.loss.task, forKey: .loss)
    try keys.encodeIfPresent(training.loss.distillation, forKey: .distillation)
    try keys.encodeIfPresent(training.gating, forKey: .gating)
    try keys.encodeIfPresent(training.clip, forKey: .clip)
    try keys.encode(training.augmentation, forKey: .augmentation)
    try keys.encode(training.normalization.rawValue, forKey: .normalization)
    try keys.encode(training.frozen, forKey: .frozen)
    try keys.encodeIfPresent(head, forKey: .head)
    try keys.encode(backbone.rawValue, forKey: .backbone)
    try keys.encode(method, forKey: .method)
  }
}

extension KeyedDecodingContainer {
  /// The case of a name; an error lists those there are.
  func named<Value: RawRepresentable<String> & CaseIterable>(
    _ name: String, _ key: Key
  ) throws -> Value {
    guard let value = Value(rawValue: name) else {
      let known = Value.allCases.map { $0.rawValue }.joined(separator: ", ")
      throw DecodingError.dataCorruptedError(
        forKey: key, in: self, debugDescription: "found '\(name)', expected one of \(known)")
    }
    return value
  }
}
