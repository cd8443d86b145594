import SparrowCore

/// The choice of kernels by measurement: a step whose weight several kernels suit is prepared for each,
/// all are run on the real packed weights, and the fastest stays in the plan and in the cache.
extension PlanBuilder {
  /// Kernels whose estimates are within this factor of the least may in fact be faster.
  private static var closeness: Double { 1.5 }
  /// A kernel takes the place of the one that the cost model chose when it takes at most this part of
  /// the time: less may be noise.
  private static var gain: Double { 0.95 }

  /// What is faster than `step`, prepared for node `i` by the cost model's choice; nil where nothing
  /// is, or where the choice was made before.
  func tuned(
    _ step: Step, _ preparation: Preparation, _ node: Node, at i: Int
  ) throws(RuntimeError) -> StepTimer.Contestant? {
    guard let timer, preparation.kernel == nil, let use = ProductUse(preparation) else {
      return nil
    }
    let candidates = weights.candidates(of: use)
    guard let chosen = candidates.first, timer.hasTime else { return nil }
    var kernels = [chosen.kernel]
    var contestants: [StepTimer.Contestant] = [(step, preparation)]
    for candidate in candidates.dropFirst()
    where weights.tuning == .full || candidate.cost <= Self.closeness * chosen.cost {
      var rival = try self.preparation(of: node, at: i, in: WeightCache())
      rival.kernel = candidate.kernel
      // One that fails, or computes as another does, has nothing to win.
      guard let made = try? node.op.prepare(&rival),
        !contestants.contains(where: { $0.step.kernel == made.kernel })
      else { continue }
      contestants.append((made, rival))
      kernels.append(candidate.kernel)
    }
    guard contestants.count > 1, let times = timer.leastTimes(contestants, pool: pool) else {
      return nil
    }
    var best = 0
    for j in times.indices.dropFirst()
    where Double(times[j]) <= Self.gain * Double(times[0]) && times[j] < times[best] { best = j }
    weights.decide(kernels[best], for: use)
    guard best > 0 else { return nil }
    let winner = contestants[best]
    weights.replace(use, by: winner.preparation.weights)
    return winner
  }
}
