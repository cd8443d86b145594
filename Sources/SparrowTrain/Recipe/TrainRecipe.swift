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
///   clip: 1
///   augmentation: {crop: 4, flip: true, cutout: 8}
///   normalization: training       # or frozen
///   frozen: ["*head*"]
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

  public init(
    steps: [RecipeStep] = [], training: TrainingSettings = TrainingSettings(),
    method: MethodSettings = MethodSettings(),
    calibration: CalibrationSettings = CalibrationSettings()
  ) {
    (self.steps, self.training, self.method) = (steps, training, method)
    self.calibration = calibration
  }

  /// What is pruned before training; nil where nothing is.
  public var pruning: Recipe? {
    steps.isEmpty ? nil : Recipe(steps: steps, calibration: calibration)
  }
}
