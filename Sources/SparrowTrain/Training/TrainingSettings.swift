/// How a network is trained: everything that decides what comes out, but the network and the data.
public struct TrainingSettings: Hashable, Sendable {
  public var epochs: Int
  /// Samples a step; a network of a fixed batch decides itself.
  public var batch: Int
  /// What every random choice follows from.
  public var seed: UInt64
  public var loss: TrainingLoss
  /// How channel gates are trained; nil: they open where they do, and do not learn.
  public var gating: GatingSettings?
  public var optimizer: OptimizerSettings
  public var schedule: LearningRateSchedule
  /// The longest that all gradients together, as one vector, may be; nil: any length.
  public var clip: Double?
  public var augmentation: Augmentation
  public var normalization: TrainingGraph.Normalization
  /// Globs of parameters or nodes that stay as they are.
  public var frozen: [String]

  public init(
    epochs: Int = 10, batch: Int = 64, seed: UInt64 = 0, loss: TrainingLoss = TrainingLoss(),
    gating: GatingSettings? = nil, optimizer: OptimizerSettings = OptimizerSettings(),
    schedule: LearningRateSchedule = LearningRateSchedule(0.05, .cosine()), clip: Double? = nil,
    augmentation: Augmentation = Augmentation(),
    normalization: TrainingGraph.Normalization = .training, frozen: [String] = []
  ) {
    (self.epochs, self.batch, self.seed, self.loss) = (epochs, batch, seed, loss)
    (self.gating, self.optimizer) = (gating, optimizer)
    (self.schedule, self.clip) = (schedule, clip)
    (self.augmentation, self.normalization, self.frozen) = (augmentation, normalization, frozen)
  }

  /// Throws where a number is out of its range.
  public func check() throws(TrainError) {
    guard (1...1_000_000).contains(epochs) else {
      throw .setting("epochs is \(epochs), expected 1 to 1000000")
    }
    guard (1...65_536).contains(batch) else {
      throw .setting("the batch is \(batch), expected 1 to 65536")
    }
    if let clip, !(clip > 0 && clip.isFinite) {
      throw .setting("gradients are clipped to \(clip), expected a length above 0")
    }
    if case .crossEntropy(let smoothing) = loss.task, !(0..<1).contains(smoothing) {
      throw .setting("label smoothing is \(smoothing), expected 0 up to, but not including, 1")
    }
    if case .vicReg(let weights) = loss.task {
      try weights.check()
      guard loss.distillation == nil else {
        throw .setting("vicreg compares two views of samples: it has no scores to distil")
      }
    }
    try gating?.check()
    if let distillation = loss.distillation {
      guard (0...1).contains(distillation.share), distillation.temperature > 0,
        distillation.temperature.isFinite
      else {
        throw .setting(
          "distillation has the share \(distillation.share) and the temperature "
            + "\(distillation.temperature), expected a share from 0 to 1 and a temperature above 0")
      }
    }
    try schedule.check()
    try optimizer.check()
    try augmentation.check()
  }
}
