import SparrowCore
import SparrowPasses

/// A graph on its way to a target sparsity: what a ``Schedule`` drives.
public struct Pruning: Sendable {
  /// The graph as pruned so far; weights are dense with zeros.
  public private(set) var graph: Graph
  /// The fraction of the prunable weights that is to go in the end.
  public let target: Double
  /// The names, shapes and outcome of every weight; empty before the first ``prune(to:)``.
  public private(set) var outcomes: [LayerOutcome] = []

  let selection: LayerSelection
  let criterion: any Criterion
  let allocation: any Allocation
  let pattern: any Pattern
  let repair: any Repair
  /// By weight name.
  let statistics: [String: LayerStatistics]

  init(
    graph: Graph, target: Double, selection: LayerSelection, criterion: any Criterion,
    allocation: any Allocation, pattern: any Pattern, repair: any Repair,
    statistics: [String: LayerStatistics]
  ) {
    (self.graph, self.target, self.selection) = (graph, target, selection)
    (self.criterion, self.allocation, self.pattern) = (criterion, allocation, pattern)
    (self.repair, self.statistics) = (repair, statistics)
  }

  /// Prunes the graph as it is now to `sparsity` of its prunable weights.
  public mutating func prune(to sparsity: Double) throws(CompressError) {
    let selected = try selection.layers(of: graph)
    var pruned: [ScoredLayer] = []
    var shared: [Int] = []
    var own: [Int: Double] = [:]
    for (layer, role) in selected {
      switch role {
      case .excluded, .fixed(sparsity: 0): continue
      case .prunable: shared.append(pruned.count)
      case .fixed(let fraction): own[pruned.count] = fraction
      }
      pruned.append(ScoredLayer(layer: layer, units: try units(of: layer)))
    }
    if shared.isEmpty, own.isEmpty {
      throw .nothingToPrune(reason: "all \(selected.count) weights are excluded or kept dense")
    }
    let dropCounts = try dropCounts(pruned, shared: shared, own: own, sparsity: sparsity)
    try apply(dropCounts, to: pruned)
    let changed = Dictionary(
      zip(pruned.map { $0.layer.use.value }, dropCounts), uniquingKeysWith: { first, _ in first })
    outcomes = selected.map { layer, role in
      LayerOutcome(
        name: layer.name, role: role,
        pattern: changed[layer.use.value] == nil ? nil : pattern.name)
    }
  }

  private func units(of layer: Layer) throws(CompressError) -> UnitScores {
    let known = try statistics(for: criterion.requiredStatistics, criterion.name, layer)
    let scores = try criterion.scores(of: layer, statistics: known)
    return pattern.units(of: scores, view: layer.use.view)
  }

  /// How many weights each layer of `layers` loses: the pattern's own number, else the layer's own
  /// sparsity, else what the allocation gives it.
  private func dropCounts(
    _ layers: [ScoredLayer], shared: [Int], own: [Int: Double], sparsity: Double
  ) throws(CompressError) -> [Int] {
    var result = [Int](repeating: 0, count: layers.count)
    let allocated = try allocation.dropCounts(shared.map { layers[$0] }, sparsity: sparsity)
    for (i, count) in zip(shared, allocated) { result[i] = count }
    for (i, fraction) in own { result[i] = Rounding.dropCount(fraction, of: layers[i].layer.count) }
    for i in layers.indices {
      if let fixed = pattern.fixedDropCount(in: layers[i].layer.use.view) { result[i] = fixed }
    }
    return result
  }

  private mutating func apply(
    _ dropCounts: [Int], to layers: [ScoredLayer]
  ) throws(CompressError) {
    var known: [LayerStatistics] = []
    for scored in layers {
      known.append(try statistics(for: repair.requiredStatistics, repair.name, scored.layer))
    }
    let (pattern, repair, statistics) = (pattern, repair, known)
    let weights = Parallel.map(layers.count) { i -> Result<Tensor, CompressError> in
      let (layer, units) = (layers[i].layer, layers[i].units)
      let mask = pattern.mask(units, view: layer.use.view, dropping: dropCounts[i])
      do throws(CompressError) {
        return .success(try repair.repaired(layer, mask: mask, statistics: statistics[i]))
      } catch {
        return .failure(error)
      }
    }
    for (scored, weight) in zip(layers, weights) {
      graph[scored.layer.use.value].constant = try weight.get()
    }
  }

  private func statistics(
    for required: Set<CalibrationStatistic>, _ choice: String, _ layer: Layer
  ) throws(CompressError) -> LayerStatistics {
    guard !required.isEmpty else { return LayerStatistics() }
    let known = statistics[layer.name] ?? LayerStatistics()
    let missing = required.filter { known.tensors[$0] == nil }.map { $0.rawValue }.sorted()
    guard missing.isEmpty else {
      throw .missingStatistics(choice: choice, statistics: missing)
    }
    return known
  }
}

/// What happened to one weight.
public struct LayerOutcome: Sendable {
  /// The weight's name.
  public var name: String
  public var role: LayerRole
  /// The pattern it was pruned by; nil where it was left alone.
  public var pattern: String?
}
