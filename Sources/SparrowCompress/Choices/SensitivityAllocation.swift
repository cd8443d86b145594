import SparrowCore
import SparrowPasses

/// Each layer's sparsity from a list, so that the errors of all layers together are least within the
/// budget: weights, multiply-adds, bytes or measured time. (SPDY, arXiv 2201.13096; OBC, arXiv
/// 2208.11580, section 6.)
///
/// A layer's error is ``ScoredLayer/errors`` where calibration data gave it, else the squared scores
/// of the dropped weights as a fraction of the layer's.
public struct SensitivityAllocation: Allocation {
  public init() {}
  public var name: String { "sensitivity" }
  public var usesErrorCurves: Bool { true }

  public func dropCounts(
    _ layers: [ScoredLayer], sparsity: Double
  ) throws(CompressError) -> [Int] {
    let counts = layers.map { $0.layer.count }
    let total = Rounding.dropCount(sparsity, of: counts.reduce(0, +))
    let costs = LayerCosts.weightsKept(layers)
    let kept = Double(counts.reduce(0, +) - total)
    let options = options(layers, costs)
    guard let chosen = BudgetedChoice.choose(options, limit: kept) else {
      // Sparser than every list ends: what is left is shared out evenly.
      return Rounding.apportion(
        counts.map { sparsity * Double($0) }, total: total, limits: counts)
    }
    let budget = CostBudget(costs: costs, limit: kept)
    return Rounding.apportion(refined(options, chosen, budget), total: total, limits: counts)
  }

  public func dropCounts(
    _ layers: [ScoredLayer], within budget: CostBudget
  ) throws(CompressError) -> [Int] {
    let options = options(layers, budget.costs)
    let limit = budget.limit - budget.costs.rest
    guard let chosen = BudgetedChoice.choose(options, limit: limit) else {
      let least = options.reduce(budget.costs.rest) { $0 + ($1.map { $0.cost }.min() ?? 0) }
      try budget.check(least)
      return options.map { $0.last?.dropped ?? 0 }
    }
    return refined(options, chosen, budget).map { Int($0) }
  }

  private func options(_ layers: [ScoredLayer], _ costs: LayerCosts) -> [[LayerOption]] {
    Parallel.map(layers.count) { i in
      let errors = layers[i].errors ?? DroppedEnergy.curve(layers[i].units)
      let least = layers[i].units.sizes?.first.map { Int($0) } ?? 1
      return DropGrid.drops(of: layers[i].layer.count, keepingAtLeast: least).map { dropped in
        LayerOption(
          dropped: dropped, cost: costs.layers[i].value(at: dropped),
          error: errors.value(at: dropped))
      }
    }
  }

  /// The chosen numbers of weights, all moved by the same part of the way to the layer's next denser
  /// option, as far as the budget allows: lists of options leave some of it unused.
  private func refined(
    _ options: [[LayerOption]], _ chosen: [Int], _ budget: CostBudget
  ) -> [Double] {
    func moved(_ part: Double) -> [Double] {
      zip(options, chosen).map { options, i in
        let (here, denser) = (options[i].dropped, options[max(0, i - 1)].dropped)
        return Double(here) - part * Double(here - denser)
      }
    }
    func cost(_ part: Double) -> Double { budget.costs.total(moved(part).map { Int($0) }) }
    guard cost(1) > budget.limit else { return moved(1) }
    var (low, high) = (0.0, 1.0)
    for _ in 0..<40 {
      let middle = (low + high) / 2
      if cost(middle) <= budget.limit { low = middle } else { high = middle }
    }
    return moved(low)
  }
}

/// What a layer loses with its lowest-scored units, as far as its scores tell.
enum DroppedEnergy {
  /// The sum of the squared scores of the dropped units, of that of all units; from 0 to 1.
  static func curve(_ units: UnitScores) -> DropCurve {
    let order = units.sizes.map { _ in AscendingOrder.sortedIndices(of: units.scores) }
    let keys = order == nil ? AscendingOrder.sortedKeys(of: units.scores) : []
    let count = units.weightCount
    let stops = DropGrid.drops(of: max(1, count)) + [count]
    var points = [DropCurve.Point(dropped: 0, value: 0)]
    var (dropped, energy, next) = (0, 0.0, 0)
    for i in 0..<units.count {
      let unit = order?[i]
      let score = unit.map { Double(units.scores[$0]) } ?? Double(Float(bitPattern: keys[i]))
      energy += score.isNaN ? 0 : score * score
      dropped += unit.flatMap { index in units.sizes.map { Int($0[index]) } } ?? 1
      while next < stops.count, dropped >= stops[next] {
        points.append(DropCurve.Point(dropped: dropped, value: energy))
        next += 1
      }
    }
    let whole = energy > 0 && energy.isFinite ? energy : 1
    return DropCurve(
      rising: points.map { DropCurve.Point(dropped: $0.dropped, value: $0.value / whole) })
  }
}
