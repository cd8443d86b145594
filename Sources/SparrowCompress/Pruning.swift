import SparrowCore
import SparrowPasses

/// A graph on its way to a target sparsity: what a ``Schedule`` drives.
public struct Pruning {
  /// The graph as pruned so far; weights are dense with zeros.
  public internal(set) var graph: Graph
  /// The fraction of the prunable weights that is to go in the end.
  public internal(set) var target: Double
  /// The names, shapes and outcome of every weight; empty before the first ``prune(to:)``.
  public internal(set) var outcomes: [LayerOutcome] = []
  /// What was cut of each group of channels; empty for patterns of zeros.
  public internal(set) var channels: [ChannelReport] = []

  /// Before anything was pruned.
  private let original: Graph
  let selection: LayerSelection
  let criterion: any Criterion
  let allocation: any Allocation
  let pattern: any Pattern
  let repairs: [any Repair]
  let calibration: CalibrationRun?
  let settings: CalibrationSettings
  /// What is asked for; a ``target`` follows from it.
  let goal: CompressionTarget
  let measures: TargetMeasures
  /// What a goal other than sparsity came to.
  var resolved: ResolvedTarget?
  /// What each layer means to the network, by name, where that was measured.
  var errorCurves: [String: DropCurve] = [:]

  init(
    graph: Graph, goal: CompressionTarget, selection: LayerSelection, criterion: any Criterion,
    allocation: any Allocation, pattern: any Pattern, repairs: [any Repair],
    calibration: CalibrationRun?, settings: CalibrationSettings, measures: TargetMeasures
  ) {
    (self.graph, self.selection, original) = (graph, selection, graph)
    self.goal = goal
    if case .sparsity(let sparsity) = goal { target = sparsity } else { target = 0 }
    self.measures = measures
    (self.criterion, self.allocation, self.pattern) = (criterion, allocation, pattern)
    (self.repairs, self.calibration, self.settings) = (repairs, calibration, settings)
  }

  /// Prunes the graph as it is now to `sparsity` of its prunable weights.
  public mutating func prune(to sparsity: Double) throws(CompressError) {
    if pattern is ChannelPattern { return try pruneChannels(to: sparsity) }
    let selected = try selection.layers(of: graph)
    let plan = try dropPlan(selected, sparsity: sparsity)
    let isLayerwise = criterion is any LayerwiseCriterion || !layerwiseRepairs.isEmpty
    let errors = isLayerwise ? try pruneLayerByLayer(plan, selected) : try pruneAtOnce(plan)
    try repairWhole()
    outcomes = selected.map { layer, role in
      LayerOutcome(
        name: layer.name, role: role,
        pattern: plan.dropCounts[layer.name] == nil ? nil : pattern.name,
        errors: errors[layer.name])
    }
  }

  /// The repairs of the network as a whole, in order.
  mutating func repairWhole() throws(CompressError) {
    for repair in repairs {
      guard let repair = repair as? any NetworkRepair else { continue }
      guard let calibration else {
        throw .missingStatistics(choice: repair.name, statistics: ["activations"])
      }
      graph = try repair.repaired(graph, original, calibration, settings)
    }
  }

  private var layerwiseRepairs: [any LayerwiseRepair] {
    repairs.compactMap { $0 as? any LayerwiseRepair }
  }

  /// What the criterion learns of each layer from the whole network.
  private func statistics(
    of layers: [Layer], sparsity: Double
  ) throws(CompressError) -> [String: LayerStatistics] {
    if let learning = criterion as? any NetworkCriterion {
      return try learning.statistics(
        of: layers,
        NetworkContext(
          graph: graph, original: original, sparsity: sparsity, calibration: calibration))
    }
    guard !criterion.requiredStatistics.isEmpty else { return [:] }
    throw .missingStatistics(
      choice: criterion.name,
      statistics: criterion.requiredStatistics.map { $0.rawValue }.sorted())
  }
}

/// The layers that a step prunes, with their scores.
struct ScoredLayers: Sendable {
  /// In execution order.
  var layers: [ScoredLayer]
  /// Those that take their share of the target.
  var shared: [Int]
  /// Those that have a sparsity of their own.
  var own: [Int: Double]
  var statistics: [String: LayerStatistics]
}

/// What a pruning step takes from each layer.
private struct DropPlan: Sendable {
  /// The layers that lose weights, in execution order.
  var layers: [ScoredLayer]
  /// How many weights go, by name.
  var dropCounts: [String: Int]
  var statistics: [String: LayerStatistics]
}

/// Masks of layers by their scores.
private struct Masking: Sendable {
  let pattern: any Pattern
  /// The criterion, where survivors are to be changed as it says.
  let updating: (any UpdatingCriterion)?

  /// The mask of a layer, and its weight under it.
  func masked(
    _ scored: ScoredLayer, _ plan: DropPlan
  ) throws(CompressError) -> (mask: WeightMask, weight: Tensor) {
    let layer = scored.layer
    let mask = pattern.mask(
      scored.units, view: layer.use.view, dropping: plan.dropCounts[layer.name] ?? 0)
    guard let updating else { return (mask, mask.applied(to: layer.weight)) }
    let statistics = plan.statistics[layer.name] ?? LayerStatistics()
    return (mask, try updating.updated(layer, mask: mask, statistics: statistics))
  }
}

extension Pruning {
  private func dropPlan(
    _ selected: [(layer: Layer, role: LayerRole)], sparsity: Double
  ) throws(CompressError) -> DropPlan {
    let scored = try scoredLayers(selected, sparsity: sparsity)
    let counts = try dropCounts(scored, sparsity: sparsity)
    let named = Dictionary(
      zip(scored.layers.map { $0.layer.name }, counts), uniquingKeysWith: { first, _ in first })
    return DropPlan(layers: scored.layers, dropCounts: named, statistics: scored.statistics)
  }

  /// The layers and their scores; `sparsity` matters to criteria that go there in rounds.
  func scoredLayers(
    _ selected: [(layer: Layer, role: LayerRole)], sparsity: Double
  ) throws(CompressError) -> ScoredLayers {
    var layers: [Layer] = []
    var shared: [Int] = []
    var own: [Int: Double] = [:]
    for (layer, role) in selected {
      switch role {
      case .excluded, .fixed(sparsity: 0): continue
      case .prunable: shared.append(layers.count)
      case .fixed(let fraction): own[layers.count] = fraction
      }
      layers.append(layer)
    }
    if shared.isEmpty, own.isEmpty {
      throw .nothingToPrune(reason: "all \(selected.count) weights are excluded or kept dense")
    }
    let statistics = try statistics(of: layers, sparsity: sparsity)
    var scored: [ScoredLayer] = []
    for layer in layers {
      let scores = try criterion.scores(
        of: layer, statistics: statistics[layer.name] ?? LayerStatistics())
      scored.append(
        ScoredLayer(layer: layer, units: pattern.units(of: scores, view: layer.use.view)))
    }
    return ScoredLayers(layers: scored, shared: shared, own: own, statistics: statistics)
  }

  /// How many weights each layer of `layers` loses: the pattern's own number, else the layer's own
  /// sparsity, else what the allocation gives it.
  func dropCounts(_ scored: ScoredLayers, sparsity: Double) throws(CompressError) -> [Int] {
    let layers = scored.layers
    var result = [Int](repeating: 0, count: layers.count)
    let allocated = try allocated(scored.shared.map { layers[$0] }, sparsity: sparsity)
    for (i, count) in zip(scored.shared, allocated) { result[i] = count }
    for (i, fraction) in scored.own {
      result[i] = Rounding.dropCount(fraction, of: layers[i].layer.count)
    }
    for i in layers.indices {
      if let fixed = pattern.fixedDropCount(in: layers[i].layer.use.view) { result[i] = fixed }
    }
    return result
  }

  fileprivate var masking: Masking {
    Masking(
      pattern: pattern,
      updating: repairs.first is OBSRepair ? criterion as? any UpdatingCriterion : nil)
  }

  private mutating func pruneAtOnce(
    _ plan: DropPlan
  ) throws(CompressError) -> [String: LayerErrors] {
    let masking = masking
    let weights = Parallel.map(plan.layers.count) { i -> Result<Tensor, CompressError> in
      do throws(CompressError) {
        return .success(try masking.masked(plan.layers[i], plan).weight)
      } catch {
        return .failure(error)
      }
    }
    for (scored, weight) in zip(plan.layers, weights) {
      graph[scored.layer.use.value].constant = try weight.get()
    }
    return [:]
  }

  /// Layers that are not pruned take part in repairs unless they are named to be left alone.
  private mutating func pruneLayerByLayer(
    _ plan: DropPlan, _ selected: [(layer: Layer, role: LayerRole)]
  ) throws(CompressError) -> [String: LayerErrors] {
    guard let calibration else {
      let names =
        ([criterion is any LayerwiseCriterion ? criterion.name : nil]
        + layerwiseRepairs.map { $0.name }).compactMap { $0 }
      throw .missingStatistics(
        choice: names.joined(separator: ", "), statistics: ["each layer's inputs"])
    }
    let byName = Dictionary(
      plan.layers.map { ($0.layer.name, $0) }, uniquingKeysWith: { first, _ in first })
    var tasks: [LayerwisePass.Task] = []
    for (layer, role) in selected {
      if let scored = byName[layer.name] {
        tasks.append(try task(scored, plan))
      } else if case .excluded(let kind) = role, LayerKind(rawValue: kind) != nil,
        !layerwiseRepairs.isEmpty
      {
        tasks.append(
          LayerwisePass.Task(
            layer: layer, sparsity: 0,
            solve: Self.solver(mask: nil, start: nil, repairs: layerwiseRepairs)))
      }
    }
    var skipped: [Layer] = []
    let errors = try change(tasks, of: selected, calibration) { skipped.append($0) }
    for layer in skipped {
      guard let scored = byName[layer.name] else { continue }
      graph[layer.use.value].constant = try masking.masked(scored, plan).weight
    }
    return errors
  }

  /// Puts what a pass over the layers found into the graph. The errors are those of the layers that
  /// it changed, by name.
  mutating func change(
    _ tasks: [LayerwisePass.Task], of selected: [(layer: Layer, role: LayerRole)],
    _ run: CalibrationRun, skipped: (Layer) -> Void
  ) throws(CompressError) -> [String: LayerErrors] {
    let pass = LayerwisePass(run: run, settings: settings, ridge: settings.ridge)
    let changes = try pass.changes(of: graph, tasks, skipped: skipped)
    var errors: [String: LayerErrors] = [:]
    for (layer, _) in selected {
      guard let change = changes[layer.name] else { continue }
      graph.apply(change, to: layer)
      errors[layer.name] = LayerErrors(before: change.errorBefore, after: change.errorAfter)
    }
    return errors
  }

  private func task(
    _ scored: ScoredLayer, _ plan: DropPlan
  ) throws(CompressError) -> LayerwisePass.Task {
    let layer = scored.layer
    let dropped = plan.dropCounts[layer.name] ?? 0
    let sparsity = Double(dropped) / Double(max(1, layer.count))
    guard let layerwise = criterion as? any LayerwiseCriterion else {
      let (mask, weight) = try masking.masked(scored, plan)
      return LayerwisePass.Task(
        layer: layer, sparsity: sparsity,
        solve: Self.solver(mask: mask, start: weight, repairs: layerwiseRepairs))
    }
    let pattern = pattern
    let updates = repairs.first is OBSRepair
    let repairs = layerwiseRepairs
    return LayerwisePass.Task(layer: layer, sparsity: sparsity) { problem throws(CompressError) in
      let (mask, weights) = try layerwise.pruned(problem, pattern: pattern, dropping: dropped)
      let plain = problem.weights.masked(by: mask)
      return try Self.repaired(problem, mask, plain, updates ? weights : plain, repairs)
    }
  }

  /// For a mask that is known before; nil keeps every weight.
  static func solver(
    mask: WeightMask?, start: Tensor?, repairs: [any LayerwiseRepair]
  ) -> (LayerProblem) throws(CompressError) -> LayerwisePass.Solution {
    { problem throws(CompressError) in
      let layout = problem.layout
      let kept = mask ?? WeightMask(count: problem.layer.count) { _ in true }
      let flags = layout.mask(kept)
      let plain = problem.weights.masked(by: flags)
      var current = plain
      if let start { current.groups = layout.matrices(start) }
      return try Self.repaired(problem, flags, plain, current, repairs)
    }
  }

  private static func repaired(
    _ problem: LayerProblem, _ mask: LayerMask, _ plain: LayerWeights, _ start: LayerWeights,
    _ repairs: [any LayerwiseRepair]
  ) throws(CompressError) -> LayerwisePass.Solution {
    var weights = start
    for repair in repairs {
      weights = try repair.repaired(problem, mask: mask, current: weights)
    }
    var solution = LayerwisePass.Solution(
      weights: weights, errorBefore: problem.error(of: plain),
      errorAfter: problem.error(of: weights))
    if repairs.contains(where: { $0 is LeastSquaresRepair }) {
      solution.refine = { problem throws(CompressError) in
        try Self.repaired(problem, mask, plain, start, repairs)
      }
    }
    return solution
  }
}

extension Pruning {
  /// How far the network's outputs move when each layer alone is pruned as this step does it.
  func measuredErrors(
    _ layers: [ScoredLayer], _ statistics: [String: LayerStatistics]
  ) throws(CompressError) -> [DropCurve] {
    guard let calibration else { return [] }
    func plan(_ scored: ScoredLayer, _ count: Int) -> DropPlan {
      DropPlan(layers: [scored], dropCounts: [scored.layer.name: count], statistics: statistics)
    }
    let errors = OutputErrors(
      run: calibration, settings: settings, ridge: settings.ridge,
      isRepaired: criterion is any LayerwiseCriterion || !layerwiseRepairs.isEmpty,
      task: { scored, count throws(CompressError) in try task(scored, plan(scored, count)) },
      masked: { scored, count throws(CompressError) in
        try masking.masked(scored, plan(scored, count)).weight
      })
    return try errors.curves(of: layers, in: graph)
  }
}

/// What happened to one weight.
public struct LayerOutcome: Sendable {
  /// The weight's name.
  public var name: String
  public var role: LayerRole
  /// The pattern it was pruned by; nil where it was left alone.
  public var pattern: String?
  /// How far its outputs are from those of the whole network, where calibration data told.
  public var errors: LayerErrors?
}

/// Squared errors of a layer's outputs on calibration data, over the energy of the whole network's
/// outputs there about their means.
public struct LayerErrors: Hashable, Sendable {
  /// With the surviving weights as they were.
  public var before: Double
  /// After repair.
  public var after: Double
}
