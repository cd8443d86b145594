/// The same sparsity in every layer; each layer's count is rounded half away from zero.
public struct UniformAllocation: Allocation {
  public init() {}
  public var name: String { "uniform" }

  public func dropCounts(
    _ layers: [ScoredLayer], sparsity: Double
  ) throws(CompressError) -> [Int] {
    layers.map { Rounding.dropCount(sparsity, of: $0.layer.count) }
  }
}

/// Uniform, but the graph's first weight stays dense and its last loses at most 80 %; the others
/// make up for it, so that the total is met exactly (Gale et al., 2019; arXiv 1902.09574).
public struct UniformPlusAllocation: Allocation {
  public init() {}
  public var name: String { "uniform+" }

  public func dropCounts(
    _ layers: [ScoredLayer], sparsity: Double
  ) throws(CompressError) -> [Int] {
    let counts = layers.map { $0.layer.count }
    let total = Rounding.dropCount(sparsity, of: counts.reduce(0, +))
    let limits = layers.map { scored in
      if scored.layer.isFirst { return 0 }
      if scored.layer.isLast { return scored.layer.count * 4 / 5 }
      return scored.layer.count
    }
    // The common sparsity s solves sum of min(limit, s * count) = total; each round caps more layers.
    var capped = limits.map { $0 == 0 }
    while true {
      let open = layers.indices.filter { !capped[$0] }
      let taken = layers.indices.reduce(0) { $0 + (capped[$1] ? limits[$1] : 0) }
      let openCount = open.reduce(0) { $0 + counts[$1] }
      let common = openCount == 0 ? 0 : Double(total - taken) / Double(openCount)
      let over = open.filter { common * Double(counts[$0]) > Double(limits[$0]) }
      if !over.isEmpty, over.count < open.count {
        for i in over { capped[i] = true }
        continue
      }
      guard over.isEmpty, !open.isEmpty || total == taken else {
        throw .unreachable(
          allocation: name,
          reason: "with the first layer dense and at most 80 % of the last gone, "
            + "\(limits.reduce(0, +)) of \(counts.reduce(0, +)) weights can go, not \(total)")
      }
      let ideal = layers.indices.map {
        capped[$0] ? Double(limits[$0]) : common * Double(counts[$0])
      }
      return Rounding.apportion(ideal, total: total, limits: limits)
    }
  }
}
