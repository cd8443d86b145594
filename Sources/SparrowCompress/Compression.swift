import SparrowCore

/// A recipe made ready to run on graphs: every name in it is known to exist.
///
/// ```swift
/// let recipe = Recipe(prune: PruneStep(sparsity: 0.9, allocation: "erk"))
/// let result = try Compression(recipe).run(on: graph)
/// ```
public struct Compression: Sendable {
  public let recipe: Recipe
  private let steps: [PreparedStep]

  /// Throws when a name is unknown, a sparsity out of range, or settings exclude each other.
  public init(_ recipe: Recipe) throws(CompressError) {
    self.recipe = recipe
    var steps: [PreparedStep] = []
    for step in recipe.steps {
      switch step {
      case .prune(let prune): steps.append(try PreparedStep(prune))
      }
    }
    self.steps = steps
  }

  /// The compressed graph, its weights dense with zeros, and what became of each weight.
  ///
  /// `calibration` is needed by the choices that learn from data, `measures` by targets other than
  /// sparsity.
  public func run(
    on graph: Graph, calibration: CalibrationRun? = nil,
    measures: TargetMeasures = TargetMeasures()
  ) throws(CompressError) -> CompressionResult {
    var graph = graph
    var outcomes: [String: LayerOutcome] = [:]
    var channels: [ChannelReport] = []
    var targets: [TargetOutcome] = []
    for step in steps {
      var pruning = step.pruning(of: graph, calibration, recipe.calibration, measures)
      try pruning.resolveTarget()
      if let outcome = pruning.resolved?.outcome { targets.append(outcome) }
      try step.schedule.run(&pruning)
      graph = pruning.graph
      channels += pruning.channels
      for outcome in pruning.outcomes {
        // A later step that leaves a weight alone does not undo what an earlier one did to it.
        if outcome.pattern != nil || outcomes[outcome.name]?.pattern == nil {
          outcomes[outcome.name] = outcome
        }
      }
    }
    return CompressionResult(
      graph: graph, recipe: recipe, outcomes: outcomes, channels: channels, targets: targets,
      isCalibrated: calibration != nil)
  }
}

/// A compressed graph, and what became of each weight.
public struct CompressionResult: Sendable {
  /// Weights are dense with zeros; see ``SparrowCore/Graph/encodingWeights(blockShape:)``.
  public var graph: Graph
  public let recipe: Recipe
  /// By weight name.
  public let outcomes: [String: LayerOutcome]
  /// What was cut of each group of channels, step after step; empty where no step cuts channels.
  public let channels: [ChannelReport]
  /// How the steps met their targets other than sparsity, in their order.
  public let targets: [TargetOutcome]
  /// Whether more than weights may have changed: biases, normalisation.
  public let isCalibrated: Bool
}

/// One pruning step with its choices looked up.
private struct PreparedStep: Sendable {
  let goal: CompressionTarget
  let selection: LayerSelection
  let criterion: any Criterion
  let allocation: any Allocation
  let pattern: any Pattern
  let repairs: [any Repair]
  let schedule: any Schedule

  init(_ step: PruneStep) throws(CompressError) {
    pattern = try Choices.pattern(step.pattern)
    criterion = try Choices.criterion(step.criterion)
    repairs = try Choices.repairs(step.repair ?? criterion.defaultRepair, for: criterion)
    schedule = try Choices.schedule(step.schedule)
    selection = step.selection
    if let fixed = pattern as? NMPattern {
      (goal, allocation) = (.sparsity(fixed.sparsity), UniformAllocation())
      try Self.check(step, against: fixed)
    } else {
      goal = try Self.goal(of: step, pattern)
      let usual =
        pattern is ChannelPattern
        ? UniformAllocation().name : PruneStep.defaultAllocation
      allocation = try Choices.allocation(step.allocation ?? usual)
      if pattern is ChannelPattern { try checkChannels() }
    }
  }

  private func checkChannels() throws(CompressError) {
    _ = try ChannelCriterion(criterion)
    guard allocation is UniformAllocation || allocation is GlobalAllocation else {
      throw .conflict(
        "pattern \(pattern.name) takes the allocations \(UniformAllocation().name) and "
          + "\(GlobalAllocation().name), found \(allocation.name)")
    }
    guard goal.kind == .sparsity || allocation is UniformAllocation else {
      throw .conflict(
        "a target of \(goal.kind.name) takes as many channels of each group: allocation "
          + "\(UniformAllocation().name), found \(allocation.name)")
    }
  }

  private static func goal(
    of step: PruneStep, _ pattern: any Pattern
  ) throws(CompressError) -> CompressionTarget {
    switch (step.sparsity, step.target) {
    case (let sparsity?, nil): return try CompressionTarget(sparsity: sparsity)
    case (nil, let target?): return target
    case (nil, nil):
      throw .conflict("pattern \(pattern.name) needs a sparsity or another target; none is given")
    case (_?, let target?):
      throw .conflict(
        "a sparsity and a target of \(target.kind.name) are both given; give one of them")
    }
  }

  /// N:M sets every layer's sparsity; anything that asks for another one contradicts it.
  private static func check(_ step: PruneStep, against fixed: NMPattern) throws(CompressError) {
    if let sparsity = step.sparsity, abs(sparsity - fixed.sparsity) > 1e-6 {
      throw .conflict(
        "pattern \(fixed.name) makes every layer \(fixed.sparsity) sparse, but sparsity \(sparsity) "
          + "is asked for; leave the sparsity out")
    }
    if let target = step.target {
      throw .conflict(
        "pattern \(fixed.name) makes every layer \(fixed.sparsity) sparse; leave the target of "
          + "\(target.kind.name) out")
    }
    if let name = step.allocation, try Choices.allocation(name).name != UniformAllocation().name {
      throw .conflict("pattern \(fixed.name) allows no allocation but uniform, found \(name)")
    }
    for own in step.layers where own.sparsity != 0 && abs(own.sparsity - fixed.sparsity) > 1e-6 {
      throw .conflict(
        "pattern \(fixed.name) makes every layer \(fixed.sparsity) sparse, but '\(own.match)' asks "
          + "for \(own.sparsity); only 0, to keep it dense, is possible")
    }
  }

  func pruning(
    of graph: Graph, _ calibration: CalibrationRun?, _ settings: CalibrationSettings,
    _ measures: TargetMeasures
  ) -> Pruning {
    let seeded = (criterion as? any SeededCriterion)?.seeded(settings.seed)
    return Pruning(
      graph: graph, goal: goal, selection: selection, criterion: seeded ?? criterion,
      allocation: allocation, pattern: pattern, repairs: repairs, calibration: calibration,
      settings: settings, measures: measures)
  }
}
