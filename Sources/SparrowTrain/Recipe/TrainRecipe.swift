import SparrowCompress

/// A recipe with training: steps that prune the network first, if any, then how it is trained.
///
/// As YAML, with every key of `train` (all but `epochs` may be left out):
/// ```yaml
/// version: 1
/// steps: []                       # pruning before training, as in compress
/// train:
///   epochs: 60
///   batch: 64
///   seed: 0
///   optimizer: {name: sgd, momentum: 0.9, nesterov: true, weight_decay: 5e-4, decay_vectors: true}
///   schedule: {learning_rate: 0.1, shape: cosine, final: 0, warm_up: 1}
///   # schedule: {learning_rate: 0.1, shape: step, milestones: [30, 45], factor: 0.1}
///   loss: {name: cross-entropy, label_smoothing: 0.1}
///   distillation: {share: 0.9, temperature: 4}   # from the network named by --teacher
///   # loss: {name: vicreg, invariance: 25, variance: 25, covariance: 1}   # without labels
///   # gating: {target: 0.3, weight: 5, bounds: 1, decay: 0.02, temperature: 0.667,
///   #   settling: 0}
///   clip: 1
///   augmentation: {crop: 4, flip: true, cutout: 8, area: 0.3, contrast: 0.2}
///   normalization: training       # restored, frozen
///   frozen: ["*head*"]
///   head: {classes: 5, features: pool}           # a new last layer; features may be left out
///   backbone: trained             # or frozen: the last layer alone is trained
///   method:
///     name: gmp                   # dense, fixed, static, gmp, acdc, rigl, str, movement, admm, iterative
///     sparsity: 0.95
///     criterion: magnitude
///     allocation: global
///     pattern: unstructured
///     exclude: []
///     exclude_kinds: [depthwise]
///     start: 0                    # fractions of the training
///     end: 0.75
/// ```
public struct TrainRecipe: Hashable, Sendable {
  public var calibration: CalibrationSettings
  /// Made before training.
  public var steps: [RecipeStep]
  public var training: TrainingSettings
  public var method: MethodSettings
  /// What comes in the place of the last layer, before anything else; nil: it stays.
  public var head: HeadSettings?
  public var backbone: Backbone

  public init(
    steps: [RecipeStep] = [], training: TrainingSettings = TrainingSettings(),
    method: MethodSettings = MethodSettings(), head: HeadSettings? = nil,
    backbone: Backbone = .trained, calibration: CalibrationSettings = CalibrationSettings()
  ) {
    (self.head, self.backbone) = (head, backbone)
    (self.steps, self.training, self.method) = (steps, training, method)
    self.calibration = calibration
  }

  /// What is pruned before training; nil where nothing is.
  public var pruning: Recipe? {
    steps.isEmpty ? nil : Recipe(steps: steps, calibration: calibration)
  }

  /// The same, with a weight that nothing prunes.
  public func sparing(_ weight: String) -> TrainRecipe {
    var result = self
    result.steps = steps.map { step in
      switch step {
      case .prune(var prune):
        prune.exclude.append(weight)
        return .prune(prune)
      }
    }
    if method.name != .dense { result.method.exclude.append(weight) }
    return result
  }

  /// Throws where settings exclude each other.
  public func check() throws(TrainError) {
    try head?.check()
    guard backbone == .frozen else { return }
    let keepsZeros = method.name == .fixed && method.sparsity == nil && method.pattern == nil
    guard method.name == .dense || keepsZeros else {
      throw .setting(
        "a frozen backbone keeps its weights, so method \(method.name.rawValue) has nothing to prune: "
          + "prune before, or train the backbone too")
    }
    guard training.augmentation.isNone else {
      throw .setting(
        "the features of a frozen backbone are computed once: leave augmentation out, or train the "
          + "backbone too")
    }
    guard training.loss.task.needsLabels, training.gating == nil else {
      throw .setting(
        "a frozen backbone leaves the last layer alone to learn, from labels: leave vicreg and gating out"
      )
    }
    guard training.loss.distillation == nil else {
      throw .setting("a frozen backbone does not learn from a teacher: leave distillation out")
    }
  }
}
