import SparrowCore
import SparrowPasses
import SparrowRuntime

/// Finds how many weights each layer loses so that a network meets a target other than sparsity.
struct TargetSearch {
  /// The network as it is before the step.
  let graph: Graph
  /// All layers that the step prunes.
  let layers: [ScoredLayer]
  let pattern: any Pattern
  let measures: TargetMeasures

  /// Gives each layer its number for a limit of cost.
  typealias Allocate = (CostBudget) throws(CompressError) -> [Int]

  /// The numbers of weights, and how near they come to the target.
  func dropCounts(
    _ target: CompressionTarget, _ allocate: Allocate
  ) throws(CompressError) -> (counts: [Int], outcome: TargetOutcome?) {
    switch target {
    case .sparsity: preconditionFailure("a sparsity is not searched for")
    case .multiplyAdds(let amount):
      let costs = try LayerCosts.multiplyAdds(
        layers, of: graph, inputShapes: measures.shapes(for: graph))
      return try search(amount, costs, before: costs.total(none), allocate, Correction(rounds: 0))
    case .fileSize(let amount):
      let before = try fileSize(of: graph, pruned: [])
      let names = Set(layers.map { $0.layer.name })
      let costs = LayerCosts.fileSize(layers, whole: before, blockShape: pattern.blockShape)
      return try search(
        amount, costs, before: Double(before), allocate,
        Correction(rounds: 6, tolerance: 0.002) { counts throws(CompressError) in
          let pruned = graph.pruned(layers, pattern, dropping: counts)
          return Double(try fileSize(of: pruned, pruned: names))
        })
    case .latency(let amount): return try latency(amount, allocate)
    }
  }

  private var none: [Int] { layers.map { _ in 0 } }

  private func fileSize(
    of graph: Graph, pruned: Set<String>
  ) throws(CompressError) -> Int {
    guard let fileSize = measures.fileSize else {
      throw .measuring("a file size needs a format to write; none was given")
    }
    return try fileSize(graph, pruned)
  }

  private func latency(
    _ amount: TargetAmount, _ allocate: Allocate
  ) throws(CompressError) -> (counts: [Int], outcome: TargetOutcome?) {
    var meter = try LatencyMeter(measures, graph)
    let table = try latencyTable(meter)
    let dense = try meter.session(graph).session
    meter.seconds = 1
    let longMeter = meter
    return try search(
      amount, table.costs, before: table.whole, allocate,
      Correction(rounds: 3, tolerance: 0.03) { counts throws(CompressError) in
        let sparse = try longMeter.session(graph.pruned(layers, pattern, dropping: counts)).session
        let times = try longMeter.medians([dense, sparse])
        // Relative to the dense network in the same moment.
        return table.whole * times[1] / times[0]
      })
  }

  func latencyTable(_ meter: LatencyMeter) throws(CompressError) -> LatencyTable {
    if let known = measures.latencyTable,
      known.fits(layers, pattern: pattern.name, threads: meter.options.threads)
    {
      return known
    }
    let table = try LatencyTable(of: layers, in: graph, pattern: pattern, meter: meter) {
      measures.progress("measure layers", $0)
    }
    try measures.keepTable(table)
    return table
  }
}

extension TargetSearch {
  /// How often, how well and by what a prediction is corrected.
  struct Correction {
    var rounds: Int
    /// The part of the asked amount that a result may be off.
    var tolerance = 0.0
    var measure: ([Int]) throws(CompressError) -> Double = { (_) in 0 }
  }

  /// Allocates, measures, and moves the limit until the result is near enough; the nearest of all
  /// rounds counts.
  private func search(
    _ amount: TargetAmount, _ costs: LayerCosts, before: Double, _ allocate: Allocate,
    _ correction: Correction
  ) throws(CompressError) -> (counts: [Int], outcome: TargetOutcome?) {
    let asked = amount.value(of: before)
    var best: (counts: [Int], predicted: Double, measured: Double?)?
    var limit = asked
    var tried: [(limit: Double, measured: Double)] = []
    for round in 0...max(0, correction.rounds - 1) {
      // What is out of reach at first is an error; a correction goes as far as it can.
      let usable = round == 0 ? limit : max(limit, costs.least)
      let counts = try allocate(CostBudget(costs: costs, limit: usable))
      let predicted = costs.total(counts)
      guard correction.rounds > 0 else {
        best = (counts, predicted, nil)
        break
      }
      measures.progress("meet the \(costs.kind.name)", Double(round) / Double(correction.rounds))
      let measured = try correction.measure(counts)
      if abs(measured - asked) < abs((best?.measured ?? .infinity) - asked) {
        best = (counts, predicted, measured)
      }
      if abs(measured - asked) <= correction.tolerance * asked { break }
      if counts.allSatisfy({ $0 == 0 }), measured <= asked { break }
      tried.append((usable, measured))
      limit = nextLimit(tried, asked: asked, predicted: predicted)
    }
    guard let best else { return (none, nil) }
    return (
      best.counts,
      TargetOutcome(
        kind: costs.kind.rawValue, asked: asked, before: before, predicted: best.predicted,
        measured: best.measured)
    )
  }

  /// Between the nearest limits below and above what is asked, in proportion; else beyond the last by
  /// as much as its prediction was off.
  private func nextLimit(
    _ tried: [(limit: Double, measured: Double)], asked: Double, predicted: Double
  ) -> Double {
    let below = tried.filter { $0.measured <= asked }.max { $0.measured < $1.measured }
    let above = tried.filter { $0.measured > asked }.min { $0.measured < $1.measured }
    if let below, let above, below.limit < above.limit {
      let part = (asked - below.measured) / (above.measured - below.measured)
      return below.limit + part * (above.limit - below.limit)
    }
    guard let last = tried.last, last.measured > 0 else { return asked }
    return last.limit + (asked - last.measured) * (predicted / last.measured)
  }
}
