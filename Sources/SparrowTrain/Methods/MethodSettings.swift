import SparrowCompress

/// A sparsity method by its name, with its settings; those that are nil are the method's own defaults.
public struct MethodSettings: Hashable, Sendable {
  public enum Name: String, CaseIterable, Codable, Hashable, Sendable {
    case dense, fixed
    /// A random mask that never changes.
    case random = "static"
    case gmp, acdc, rigl, str, movement, admm, iterative
  }

  public var name: Name
  public var sparsity: Double?
  public var criterion: String?
  public var allocation: String?
  public var pattern: String?
  public var exclude: [String] = []
  public var excludeKinds: Set<LayerKind> = [.depthwise]
  /// Sparsities of their own, outside the target.
  public var layers: [LayerOverride] = []
  /// Where the method begins and ends, as fractions of the training.
  public var start: Double?
  public var end: Double?
  /// The sparsity with which it begins.
  public var initial: Double?
  /// Steps between two of its changes.
  public var every: Int?
  /// The fraction of weights that RigL exchanges.
  public var drop: Double?
  /// The weight of ADMM's distance.
  public var rho: Double?
  /// STR's first s, and the decay of s.
  public var threshold: Double?
  public var thresholdDecay: Double?
  public var rounds: Int?
  public var continuation: IterativeMagnitude.Continuation?
  public var rewindEpochs: Int?

  public init(_ name: Name = .dense, sparsity: Double? = nil) {
    (self.name, self.sparsity) = (name, sparsity)
  }

  /// Which weights may be pruned.
  public var selection: LayerSelection {
    LayerSelection(exclude: exclude, excludedKinds: excludeKinds, overrides: layers)
  }

  /// The method. Throws for settings that it does not have, so that none goes unnoticed.
  public func method() throws(TrainError) -> any SparsityMethod {
    try check()
    switch name {
    case .dense: return DenseTraining()
    case .fixed:
      if sparsity != nil || pattern != nil { return FixedMask(choosing: mask()) }
      guard criterion == nil, allocation == nil else {
        throw .setting(
          "method fixed without a sparsity keeps the zeros that there are: a criterion or an allocation "
            + "has nothing to choose; say how sparse")
      }
      return FixedMask(selection: selection)
    case .random:
      return FixedMask(
        choosing: mask(criterion: RandomCriterion().name, allocation: ERKAllocation().name),
        name: name.rawValue)
    case .gmp: return GradualPruning(mask(), ramp(GradualPruning.Schedule()))
    case .movement:
      return MovementPruning(mask(), ramp(GradualPruning.Schedule(start: 0.1)))
    case .acdc: return AlternatingCompression(mask())
    case .rigl:
      var schedule = RigL.Schedule()
      schedule.drop = drop ?? schedule.drop
      schedule.every = every ?? schedule.every
      schedule.end = end ?? schedule.end
      return RigL(mask(allocation: ERKAllocation().name), schedule)
    case .str:
      var settings = SoftThreshold.Settings()
      settings.start = threshold ?? settings.start
      settings.decay = thresholdDecay
      return SoftThreshold(mask(), settings)
    case .admm:
      var schedule = ADMMPruning.Schedule()
      schedule.rho = rho ?? schedule.rho
      schedule.every = every
      schedule.end = end ?? schedule.end
      return ADMMPruning(mask(), schedule)
    case .iterative:
      var schedule = IterativeMagnitude.Schedule()
      schedule.rounds = rounds ?? schedule.rounds
      schedule.continuation = continuation ?? schedule.continuation
      schedule.rewindEpochs = rewindEpochs ?? schedule.rewindEpochs
      return IterativeMagnitude(mask(), schedule)
    }
  }

  private func mask(criterion usual: String? = nil, allocation other: String? = nil) -> MaskSettings
  {
    MaskSettings(
      sparsity: sparsity, criterion: criterion ?? usual ?? MagnitudeCriterion().name,
      allocation: allocation ?? other ?? PruneStep.defaultAllocation,
      pattern: pattern ?? UnstructuredPattern().name, selection: selection)
  }

  private func ramp(_ usual: GradualPruning.Schedule) -> GradualPruning.Schedule {
    var schedule = usual
    schedule.start = start ?? usual.start
    schedule.end = end ?? usual.end
    schedule.initial = initial ?? usual.initial
    schedule.every = every
    return schedule
  }

  private func check() throws(TrainError) {
    let own = Self.keys(of: name)
    for (key, isGiven) in given where isGiven && !own.contains(key) {
      throw .setting(
        "method \(name.rawValue) has no setting '\(key)'; it has "
          + (own.isEmpty ? "none" : own.joined(separator: ", ")))
    }
  }

  /// The settings that belong to some methods only.
  private var given: [(key: String, isGiven: Bool)] {
    [
      ("sparsity", sparsity != nil), ("criterion", criterion != nil),
      ("allocation", allocation != nil), ("pattern", pattern != nil), ("start", start != nil),
      ("end", end != nil), ("initial", initial != nil), ("every", every != nil),
      ("drop", drop != nil), ("rho", rho != nil), ("threshold", threshold != nil),
      ("threshold_decay", thresholdDecay != nil), ("rounds", rounds != nil),
      ("continuation", continuation != nil), ("rewind_epochs", rewindEpochs != nil),
    ]
  }

  private static func keys(of name: Name) -> [String] {
    let mask = ["sparsity", "criterion", "allocation", "pattern"]
    return switch name {
    case .dense: []
    case .fixed, .random, .acdc: mask
    case .gmp, .movement: mask + ["start", "end", "initial", "every"]
    case .rigl: ["sparsity", "allocation", "drop", "every", "end"]
    case .str: ["sparsity", "threshold", "threshold_decay"]
    case .admm: mask + ["rho", "every", "end"]
    case .iterative: mask + ["rounds", "continuation", "rewind_epochs"]
    }
  }
}
