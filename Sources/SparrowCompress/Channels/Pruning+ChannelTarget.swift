import SparrowCore
import SparrowRuntime

extension Pruning {
  /// Finds the fraction of channels that every group loses so that the network costs what is asked:
  /// bisection, each network cut by the norms of its channels and counted or measured. Which channels
  /// go is chosen afterwards; as many go of each group.
  mutating func resolveChannelTarget() throws(CompressError) {
    guard goal.kind != .sparsity else { return }
    let (fraction, outcome) = try channelTarget()
    target = fraction
    resolved = ResolvedTarget(dropCounts: [:], sparsity: target, outcome: outcome)
  }

  private func channelTarget() throws(CompressError) -> (fraction: Double, TargetOutcome) {
    if let (found, outcome) = recordedTarget(), found.count == 1, (0..<1).contains(found[0]) {
      return (found[0], outcome)
    }
    let (fraction, outcome) = try ChannelTargetSearch(self).fraction()
    try recordTarget([fraction], outcome)
    return (fraction, outcome)
  }
}

/// What a network costs after so large a part of its channels is cut.
private struct ChannelTargetSearch {
  private let graph: Graph
  private let goal: CompressionTarget
  private let measures: TargetMeasures
  private let cut: (Double) throws(CompressError) -> Graph
  /// Takes the times of networks, and has the one that loses nothing at hand.
  private let stopwatch: (meter: LatencyMeter, dense: Session)?

  private static var rounds: Int { 12 }
  /// The part of the asked amount that is near enough.
  private static var tolerance: Double { 0.01 }
  private static var most: Double { 0.95 }

  init(_ pruning: Pruning) throws(CompressError) {
    (graph, goal, measures) = (pruning.graph, pruning.goal, pruning.measures)
    let graph = graph
    let groups = ChannelGroups(graph)
    let fixed = pruning.fractions(of: groups, try pruning.selection.layers(of: graph))
    let scores = ChannelScores(.l2, of: groups, in: graph)
    cut = { fraction throws(CompressError) in
      let channels = try ChannelSelection(.uniform)
        .cut(groups, scores, fraction: fraction, fixed: fixed)
      return try graph.removingChannels(channels, of: groups)
    }
    if goal.kind == .latency {
      var meter = try LatencyMeter(measures, graph)
      meter.seconds = 0.5
      stopwatch = (meter, try meter.session(graph).session)
    } else {
      stopwatch = nil
    }
  }

  func fraction() throws(CompressError) -> (fraction: Double, outcome: TargetOutcome) {
    let before = try cost(of: graph)
    let asked = amount.value(of: before)
    var (low, high) = (0.0, Self.most)
    let least = try cost(of: try cut(high), dense: before)
    guard least <= asked else {
      throw .unreachableTarget(
        target: TargetAmount.absolute(asked).text(goal.kind),
        least: TargetAmount.absolute(least).text(goal.kind), kind: goal.kind)
    }
    var best = (fraction: high, cost: least)
    for round in 0..<Self.rounds where abs(best.cost - asked) > Self.tolerance * asked {
      measures.progress("meet the \(goal.kind.name)", Double(round) / Double(Self.rounds))
      let middle = (low + high) / 2
      let found = try cost(of: try cut(middle), dense: before)
      if abs(found - asked) < abs(best.cost - asked) { best = (middle, found) }
      if found > asked { low = middle } else { high = middle }
    }
    return (
      best.fraction,
      TargetOutcome(
        kind: goal.kind.rawValue, asked: asked, before: before, predicted: best.cost,
        measured: best.cost)
    )
  }

  private var amount: TargetAmount {
    switch goal {
    case .sparsity(let sparsity): .fraction(1 - sparsity)
    case .multiplyAdds(let amount), .fileSize(let amount), .latency(let amount): amount
    }
  }

  /// A latency is taken relative to that of the network that loses nothing, in the same moment; without
  /// `dense`, its own time, `graph` is that network.
  private func cost(of graph: Graph, dense: Double? = nil) throws(CompressError) -> Double {
    switch goal.kind {
    case .sparsity: return 0
    case .multiplyAdds:
      return graph.multiplyAddsByWeight(inputShapes: measures.shapes(for: graph)).values
        .reduce(0) { $0 + Double($1) }
    case .fileSize:
      guard let fileSize = measures.fileSize else {
        throw .measuring("a file size needs a format to write; none was given")
      }
      return Double(try fileSize(graph, []))
    case .latency:
      guard let (meter, whole) = stopwatch else { return 0 }
      guard let dense else { return try meter.medians([whole])[0] }
      let times = try meter.medians([whole, try meter.session(graph).session])
      return dense * times[1] / times[0]
    }
  }
}
