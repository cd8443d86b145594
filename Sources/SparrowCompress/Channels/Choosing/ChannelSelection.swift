import SparrowCore

/// How many channels go, and from which groups.
public struct ChannelSelection: Sendable {
  public enum Allocation: Sendable {
    /// The same fraction of every group.
    case uniform
    /// The lowest scores of all groups together.
    case global
  }

  public var allocation: Allocation
  /// So many channels stay of each group at least; 1 or more.
  public var minimum: Int
  /// The channels that stay of a group are a multiple of this number where the group is large
  /// enough; heads are not rounded.
  public var multiple: Int

  public init(_ allocation: Allocation = .uniform, minimum: Int = 1, multiple: Int = 1) {
    (self.allocation, self.minimum, self.multiple) = (allocation, max(1, minimum), max(1, multiple))
  }

  /// The cut that takes `fraction` of the channels: of each group where the allocation is uniform, of
  /// all together where it is global. Groups in `fixed` lose their own fractions instead.
  public func cut(
    _ groups: ChannelGroups, _ scores: ChannelScores, fraction: Double,
    fixed: [Int: Double] = [:]
  ) throws(CompressError) -> ChannelCut {
    for value in [fraction] + fixed.values where !(0..<1).contains(value) {
      throw .badSparsity(found: value, place: "the fraction of channels")
    }
    let order = orders(scores)
    let free = groups.groups.indices.filter { fixed[$0] == nil }
    let total = free.reduce(0) { $0 + groups.groups[$1].count }
    let counts =
      switch allocation {
      case .uniform: free.map { Self.count(fraction, groups.groups[$0].count) }
      case .global: globalCounts(groups, scores, order, free, Self.count(fraction, total))
      }
    var dropped = [Int](repeating: 0, count: groups.groups.count)
    for (i, count) in zip(free, counts) { dropped[i] = count }
    for (i, own) in fixed { dropped[i] = Self.count(own, groups.groups[i].count) }
    return ChannelCut(
      removed: groups.groups.indices.map { i in
        Array(order[i].prefix(allowed(dropped[i], of: groups.groups[i]))).sorted()
      })
  }

  private static func count(_ fraction: Double, _ total: Int) -> Int {
    Int((fraction * Double(total)).rounded(.toNearestOrAwayFromZero))
  }

  /// The channels of each group, lowest score first; of equal scores the lower index.
  private func orders(_ scores: ChannelScores) -> [[Int]] {
    scores.groups.map { scores in
      scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
    }
  }

  /// How many of `count` channels may go of a group.
  private func allowed(_ count: Int, of group: ChannelGroup) -> Int {
    var kept = max(group.count - count, min(minimum, group.count))
    if multiple > 1, group.kind == .channels, group.count > multiple, kept < group.count {
      kept = min(group.count, max(multiple, (kept + multiple / 2) / multiple * multiple))
    }
    return group.count - kept
  }

  private func globalCounts(
    _ groups: ChannelGroups, _ scores: ChannelScores, _ order: [[Int]], _ free: [Int], _ count: Int
  ) -> [Int] {
    var all: [(score: Double, group: Int, rank: Int)] = []
    for (place, i) in free.enumerated() {
      let most = groups.groups[i].count - min(minimum, groups.groups[i].count)
      for rank in 0..<most { all.append((scores.groups[i][order[i][rank]], place, rank)) }
    }
    all.sort { ($0.score, $0.group, $0.rank) < ($1.score, $1.group, $1.rank) }
    var counts = [Int](repeating: 0, count: free.count)
    for item in all.prefix(count) { counts[item.group] += 1 }
    return counts
  }
}
