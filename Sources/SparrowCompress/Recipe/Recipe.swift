/// How a network is compressed: steps that run one after the other.
///
/// As YAML, with every key of a step (all may be left out, but a pattern that does not set the
/// sparsity itself needs one):
/// ```yaml
/// version: 1
/// calibration: {samples: 512, seed: 0}
/// steps:
///   - prune:
///       sparsity: 0.9             # of the prunable weights
///       # target: {flops: 0.3x}   # in its place: flops, size or latency; 120M, 1.2MB, 3ms
///       criterion: magnitude
///       allocation: erk           # uniform, uniform+, global, erk, lamp, sensitivity
///       pattern: unstructured     # or N:M (2:4), or RxC blocks (1x4), or channels
///       repair: none              # or a list, made in its order: [obs, least-squares]
///       schedule: one-shot
///       exclude: ["*head*"]       # weights or nodes to leave alone
///       exclude_kinds: [depthwise, first, last]
///       layers:                   # sparsities of their own, outside the target
///         - match: "conv1*"
///           sparsity: 0.5
/// ```
public struct Recipe: Hashable, Sendable {
  /// The version of the recipe format this release reads and writes.
  public static var currentVersion: Int { 1 }

  public var version = Recipe.currentVersion
  /// How calibration data is used, where it is given.
  public var calibration = CalibrationSettings()
  public var steps: [RecipeStep]

  public init(steps: [RecipeStep], calibration: CalibrationSettings = CalibrationSettings()) {
    (self.steps, self.calibration) = (steps, calibration)
  }

  /// One pruning step.
  public init(prune step: PruneStep) { self.init(steps: [.prune(step)]) }
}

/// One step of a recipe: an object with the step's name as its only key.
public enum RecipeStep: Hashable, Sendable {
  case prune(PruneStep)
}

/// The settings of one pruning step; choices by the names that ``Choices`` knows.
public struct PruneStep: Hashable, Sendable {
  /// The fraction of the prunable weights to drop; nil where the pattern sets it (N:M). Of channels
  /// it is the fraction that each group loses, or all together with the global allocation.
  public var sparsity: Double?
  /// In the place of a sparsity: what the pruned network is to cost.
  public var target: CompressionTarget?
  public var criterion: String
  /// nil: ``defaultAllocation``, or uniform for channels and where the pattern allows nothing else.
  public var allocation: String?
  public var pattern: String
  /// Made in this order; nil: what belongs to the criterion (``Criterion/defaultRepair``).
  public var repair: [String]?
  public var schedule: String
  /// Globs of weights or nodes to leave alone.
  public var exclude: [String]
  /// Depthwise convolutions unless told otherwise: they hold few weights and suffer most.
  public var excludeKinds: Set<LayerKind>
  /// Sparsities of their own, outside the target; the first match counts, before any exclusion.
  public var layers: [LayerOverride]

  public static var defaultAllocation: String { "global" }

  public init(
    sparsity: Double? = nil, target: CompressionTarget? = nil,
    criterion: String = "magnitude", allocation: String? = nil,
    pattern: String = "unstructured", repair: [String]? = nil, schedule: String = "one-shot",
    exclude: [String] = [], excludeKinds: Set<LayerKind> = [.depthwise],
    layers: [LayerOverride] = []
  ) {
    (self.sparsity, self.target) = (sparsity, target)
    (self.criterion, self.allocation) = (criterion, allocation)
    (self.pattern, self.repair, self.schedule) = (pattern, repair, schedule)
    (self.exclude, self.excludeKinds, self.layers) = (exclude, excludeKinds, layers)
  }

  /// The same with the criterion, repair and allocation that keep most where there is calibration
  /// data: SparseGPT's choice, least squares after it, and layers as sparse as the network's outputs
  /// bear (channels: structured OBS, each group alike).
  public var calibrated: PruneStep {
    var step = self
    let isChannels = pattern == ChannelPattern().name
    step.criterion = isChannels ? ExactOBSCriterion().name : SparseGPTCriterion().name
    step.repair =
      isChannels ? [LeastSquaresRepair().name] : [OBSRepair().name, LeastSquaresRepair().name]
    if allocation == nil, !isChannels, (try? Choices.pattern(pattern)) as? NMPattern == nil {
      step.allocation = SensitivityAllocation().name
    }
    return step
  }

  var selection: LayerSelection {
    LayerSelection(exclude: exclude, excludedKinds: excludeKinds, overrides: layers)
  }
}
