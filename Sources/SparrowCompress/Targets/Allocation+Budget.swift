/// A cost that the pruned network may have.
public struct CostBudget: Sendable {
  public var costs: LayerCosts
  /// Of the whole network, ``LayerCosts/rest`` included.
  public var limit: Double

  public init(costs: LayerCosts, limit: Double) { (self.costs, self.limit) = (costs, limit) }
}

extension Allocation {
  /// The allocation's own sparsities at the least total that meets the budget: bisection on the number
  /// of weights that go. (METHODS study C: bisect until the multiply-adds meet the target.)
  public func dropCounts(
    _ layers: [ScoredLayer], within budget: CostBudget
  ) throws(CompressError) -> [Int] {
    let total = layers.reduce(0) { $0 + $1.layer.count }
    guard total > 0, budget.costs.total(layers.map { _ in 0 }) > budget.limit else {
      return layers.map { _ in 0 }
    }
    // Beyond what the allocation can drop, the search goes on below.
    func attempt(_ dropped: Int) -> (counts: [Int], cost: Double)? {
      let sparsity = Double(dropped) / Double(total)
      guard let counts = try? dropCounts(layers, sparsity: sparsity) else { return nil }
      return (counts, budget.costs.total(counts))
    }
    var (low, high) = (0, total)
    var found: [Int]?
    while high - low > 1 {
      let middle = low + (high - low) / 2
      guard let tried = attempt(middle) else {
        high = middle
        continue
      }
      guard tried.cost <= budget.limit else {
        low = middle
        continue
      }
      (high, found) = (middle, tried.counts)
      // Near enough to stop.
      if budget.limit - tried.cost <= 1e-4 * budget.limit { break }
    }
    if let found { return found }
    let most = try dropCounts(layers, sparsity: Double(high) / Double(total))
    try budget.check(budget.costs.total(most))
    return most
  }
}

extension CostBudget {
  /// Throws ``CompressError/unreachableTarget(target:least:)`` where `least` is above the limit.
  func check(_ least: Double) throws(CompressError) {
    guard least > limit * (1 + 1e-9) else { return }
    throw .unreachableTarget(
      target: TargetAmount.absolute(limit).text(costs.kind),
      least: TargetAmount.absolute(least).text(costs.kind), kind: costs.kind)
  }
}
