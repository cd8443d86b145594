import SparrowCore
import SparrowPasses

/// What a step's target came to.
struct ResolvedTarget {
  /// How many weights each layer loses in the end, by name.
  var dropCounts: [String: Int]
  /// Of all prunable weights.
  var sparsity: Double
  var outcome: TargetOutcome?
}

extension Pruning {
  /// Measures what the allocation and the target need, and finds what a target other than sparsity
  /// takes from each layer. To be called once, before the schedule.
  mutating func resolveTarget() throws(CompressError) {
    if pattern is ChannelPattern { return try resolveChannelTarget() }
    guard goal.kind != .sparsity || (allocation.usesErrorCurves && calibration != nil) else {
      return
    }
    let selected = try selection.layers(of: graph)
    // What a target comes to is not known yet.
    let guess = goal.kind == .sparsity ? target : Self.usualSparsity
    let scored = try scoredLayers(selected, sparsity: guess)
    let shared = scored.shared.map { scored.layers[$0] }
    if allocation.usesErrorCurves, calibration != nil, !shared.isEmpty {
      let curves = try measuredErrors(shared, scored.statistics)
      errorCurves = Dictionary(
        zip(shared.map { $0.layer.name }, curves), uniquingKeysWith: { first, _ in first })
    }
    guard goal.kind != .sparsity else { return }
    let own = try dropCounts(scored, sparsity: 0)
    let total = shared.reduce(0) { $0 + $1.layer.count }
    let counts: [Int]
    var outcome: TargetOutcome?
    if let known = recordedTarget(), let found = Self.counts(known.found, of: scored) {
      (counts, outcome) = (found, known.outcome)
    } else {
      let search = TargetSearch(
        graph: graph, layers: scored.layers, pattern: pattern, measures: measures)
      let withErrors = shared.map(withErrors)
      (counts, outcome) = try search.dropCounts(goal) { budget throws(CompressError) in
        var all = own
        let part = budget.limited(to: scored.shared, others: own)
        let found = try allocation.dropCounts(withErrors, within: part)
        for (i, count) in zip(scored.shared, found) { all[i] = count }
        return all
      }
      if let outcome { try recordTarget(counts.map { Double($0) }, outcome) }
    }
    let dropped = scored.shared.reduce(0) { $0 + counts[$1] }
    target = total > 0 ? Double(dropped) / Double(total) : 0
    resolved = ResolvedTarget(
      dropCounts: Dictionary(
        zip(scored.layers.map { $0.layer.name }, counts), uniquingKeysWith: { first, _ in first }),
      sparsity: target, outcome: outcome)
  }

  private static var usualSparsity: Double { 0.8 }

  /// Counts that a journal has kept; nil where they are not of these layers.
  private static func counts(_ numbers: [Double], of scored: ScoredLayers) -> [Int]? {
    guard numbers.count == scored.layers.count else { return nil }
    let counts = numbers.compactMap { Int(exactly: $0) }
    guard counts.count == numbers.count,
      zip(counts, scored.layers).allSatisfy({ (0...$1.layer.count).contains($0) })
    else { return nil }
    return counts
  }

  /// What the layers that take their share of the target lose at `sparsity`, on the way to the end
  /// that was found or as the allocation says.
  func allocated(_ layers: [ScoredLayer], sparsity: Double) throws(CompressError) -> [Int] {
    guard let resolved else {
      return try allocation.dropCounts(layers.map(withErrors), sparsity: sparsity)
    }
    let part = resolved.sparsity > 0 ? min(1, sparsity / resolved.sparsity) : 1
    return layers.map { layer in
      Rounding.dropCount(part, of: resolved.dropCounts[layer.layer.name] ?? 0)
    }
  }

  private func withErrors(_ scored: ScoredLayer) -> ScoredLayer {
    var scored = scored
    scored.errors = errorCurves[scored.layer.name]
    return scored
  }
}

extension CostBudget {
  /// The budget of some of its layers, where the others lose as many weights as `counts` says.
  func limited(to layers: [Int], others counts: [Int]) -> CostBudget {
    let chosen = Set(layers)
    var part = LayerCosts(
      kind: costs.kind, rest: costs.rest, layers: layers.map { costs.layers[$0] })
    for i in costs.layers.indices where !chosen.contains(i) {
      part.rest += costs.layers[i].value(at: counts[i])
    }
    return CostBudget(costs: part, limit: limit)
  }
}
