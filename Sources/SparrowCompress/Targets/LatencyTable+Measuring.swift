import SparrowCore
import SparrowPasses

extension LatencyTable {
  /// Measures the layers of `graph` at each of a list of sparsities, all layers as sparse as each
  /// other: each with its own lowest-scored units gone. Two sessions are in memory at a time.
  init(
    of layers: [ScoredLayer], in graph: Graph, pattern: any Pattern, meter: LatencyMeter,
    progress: (Double) -> Void
  ) throws(CompressError) {
    let marked = MarkedGraph(graph, layers)
    let dense = try meter.session(marked.graph)
    let sparsities = Self.sparsities(for: pattern)
    let denseLabels = marked.labels(in: dense.deployed)
    // Of both in turns; those of the dense one again beside each sparse one.
    var least = try meter.leastSteps([dense.session])[0]
    var rows = layers.map { _ in [(dropped: Int, milliseconds: Double)]() }
    for (done, sparsity) in sparsities.enumerated() {
      progress(Double(done) / Double(sparsities.count + 1))
      let drops = layers.map { scored in
        pattern.fixedDropCount(in: scored.layer.use.view)
          ?? Rounding.dropCount(sparsity, of: scored.layer.count)
      }
      let pruned = graph.pruned(layers, pattern, dropping: drops)
      let sparse = try meter.session(MarkedGraph(pruned, layers).graph)
      let labels = marked.labels(in: sparse.deployed)
      let steps = try meter.leastSteps([dense.session, sparse.session])
      least.merge(steps[0]) { min($0, $1) }
      for i in layers.indices {
        rows[i].append((drops[i], (labels[i] ?? []).reduce(0) { $0 + (steps[1][$1] ?? 0) }))
      }
    }
    let whole = try meter.medians([dense.session])[0]
    progress(1)
    let sum = least.values.sorted().reduce(0, +)
    let scale = sum > 0 ? whole / sum : 1
    var rest = sum
    for i in layers.indices {
      let own = (denseLabels[i] ?? []).reduce(0) { $0 + (least[$1] ?? 0) }
      rest -= own
      rows[i].append((0, own))
    }
    self.init(
      threads: meter.options.threads, pattern: pattern.name, whole: whole,
      rest: max(0, rest) * scale,
      layers: zip(layers, rows).map { scored, times in
        Row(
          name: scored.layer.name, weights: scored.layer.count,
          times: times.map { ($0.dropped, $0.milliseconds * scale) })
      })
  }

  private static func sparsities(for pattern: any Pattern) -> [Double] {
    if let fixed = pattern as? NMPattern { return [fixed.sparsity] }
    return sparsities.filter { $0 > 0 }
  }
}

/// A graph whose nodes are named by the layer whose weight they multiply by. Passes keep the names of
/// nodes with weights.
struct MarkedGraph {
  private(set) var graph: Graph

  init(_ graph: Graph, _ layers: [ScoredLayer]) {
    self.graph = graph
    let index = Dictionary(
      layers.enumerated().map { ($1.layer.use.value, $0) }, uniquingKeysWith: { first, _ in first })
    for n in graph.nodes.indices {
      let layer = graph.nodes[n].input(1).flatMap { index[$0] }
      self.graph.nodes[n].name = layer.map { "layer \($0) node \(n)" } ?? "other node \(n)"
    }
  }

  /// The labels of each layer's nodes, after passes.
  func labels(in deployed: Graph) -> [Int: [String]] {
    var result: [Int: [String]] = [:]
    for node in deployed.nodes {
      let words = node.name.split(separator: " ")
      guard words.count == 4, words[0] == "layer", let layer = Int(words[1]) else { continue }
      result[layer, default: []].append(node.label)
    }
    return result
  }
}

extension Graph {
  /// The graph with the layers' weights masked, nothing repaired.
  func pruned(_ layers: [ScoredLayer], _ pattern: any Pattern, dropping drops: [Int]) -> Graph {
    var result = self
    let weights = Parallel.map(layers.count) { i in
      let (layer, units) = (layers[i].layer, layers[i].units)
      guard drops[i] > 0 else { return layer.weight }
      return pattern.mask(units, view: layer.use.view, dropping: drops[i])
        .applied(to: layer.weight)
    }
    for (scored, weight) in zip(layers, weights) {
      result[scored.layer.use.value].constant = weight
    }
    return result
  }
}
