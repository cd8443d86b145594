import Foundation
import SparrowCore
import SparrowPasses
import SparrowRuntime

/// Measures what each layer means to the network: how far its outputs move on calibration data when
/// that layer alone is pruned, and repaired as the step repairs it.
///
/// The whole network's activations are computed once, up to each layer in turn; from there the rest of
/// the network runs for each of a few sparsities, on samples that no repair has seen.
struct OutputErrors {
  let run: CalibrationRun
  let settings: CalibrationSettings
  /// nil: of each layer what held-out samples like best.
  let ridge: Double?
  /// Whether solutions need the layers' moments; else weights are only masked.
  let isRepaired: Bool
  /// What becomes of a layer that loses so many weights.
  let task: (ScoredLayer, Int) throws(CompressError) -> LayerwisePass.Task
  /// Its weight, where nothing is solved for.
  let masked: (ScoredLayer, Int) throws(CompressError) -> Tensor

  /// Where each layer is measured; between them its dropped energy says how errors go.
  static var sparsities: [Double] { [0.5, 0.7, 0.8, 0.9, 0.96, 0.99] }

  /// What a ridge for all of them is chosen at.
  private static var usualSparsity: Double { 0.8 }

  /// Multiply-adds that measuring may take, which says how many samples it is done with.
  private static var work: Double { 4e12 }
  private static var fewestSamples: Int { 16 }
  private static var mostSamples: Int { 128 }

  /// A rising curve for each layer.
  func curves(of layers: [ScoredLayer], in graph: Graph) throws(CompressError) -> [DropCurve] {
    if isRepaired { try LinearAlgebra.load() }
    let batches = try Batches(learning: run.data, of: graph, settings)
    let concrete = try graph.specialized(to: batches)
    let budget = ActivationStore.Budget(limit: run.memory, folder: run.folder)
    let stream = ActivationStream(
      concrete, batches: batches.count, threads: run.threads, budget: budget)
    for batch in 0..<batches.count { try stream.begin(batches.inputs(batch), batch: batch) }
    let probes = probeBatches(batches, concrete, layers.count)
    let (consumers, producers) = (concrete.consumers(), concrete.producers())
    let order = layers.indices.sorted {
      (consumers[layers[$0].layer.use.value.index].first ?? 0, $0)
        < (consumers[layers[$1].layer.use.value.index].first ?? 0, $1)
    }
    var result = layers.map { _ in DropCurve(rising: []) }
    for (done, i) in order.enumerated() {
      let layer = layers[i].layer
      run.progress(
        CalibrationProgress(
          stage: "sensitivity of \(layer.name)", fraction: Double(done) / Double(layers.count)))
      guard let node = consumers[layer.use.value.index].first else { continue }
      let site = LayerSite(layer, in: concrete, consumers, producers)
      let errors = try self.errors(layers[i], node, site, stream, probes)
      result[i] = Self.curve(layers[i], errors)
    }
    run.progress(CalibrationProgress(stage: "", fraction: 1))
    return result
  }

  /// The last batches, a quarter of them or as many as the work allows.
  private func probeBatches(_ batches: Batches, _ graph: Graph, _ layers: Int) -> Range<Int> {
    let perBatch = graph.weights().reduce(0.0) { $0 + Double(graph.multiplyAdds(of: $1) ?? 0) }
    // Half of the network runs for a layer on average.
    let each = perBatch / 2 * Double(layers * Self.sparsities.count)
    let size = Double(batches.size)
    let affordable = each > 0 ? Self.work / each * size : Double(Self.mostSamples)
    let samples = min(Double(Self.mostSamples), max(Double(Self.fewestSamples), affordable))
    let most = isRepaired ? max(1, batches.count / 4) : batches.count
    let count = min(most, max(1, Int((samples / size).rounded(.up))))
    return batches.count - count..<batches.count
  }

  /// The measured error for each of ``sparsities``.
  private func errors(
    _ scored: ScoredLayer, _ node: Int, _ site: LayerSite?, _ stream: ActivationStream,
    _ probes: Range<Int>
  ) throws(CompressError) -> [DropCurve.Point] {
    try stream.advance(to: node)
    var problem: LayerProblem?
    if isRepaired, let site {
      stream.hold(site.input, until: node + 1)
      problem = try self.problem(scored.layer, site, stream, before: probes)
    }
    let rest = try Rest(of: stream, from: node, probes, threads: run.threads)
    var result: [DropCurve.Point] = []
    for sparsity in Self.sparsities {
      let dropped = Rounding.dropCount(sparsity, of: scored.layer.count)
      var graph = stream.graph
      if let problem, let site {
        let solution = try task(scored, dropped).solve(problem)
        let layout = problem.layout
        graph[scored.layer.use.value].constant = layout.tensor(
          solution.weights.groups, like: scored.layer.weight)
        graph.setBias(solution.weights.bias, of: scored.layer, site)
      } else {
        graph[scored.layer.use.value].constant = try masked(scored, dropped)
      }
      let error = try rest.loss(of: graph, hasClasses: run.data.labels != nil)
      result.append(DropCurve.Point(dropped: dropped, value: error))
    }
    return result
  }

  /// The layer on the whole network's inputs, of the batches that are not measured on.
  private func problem(
    _ layer: Layer, _ site: LayerSite, _ stream: ActivationStream, before probes: Range<Int>
  ) throws(CompressError) -> LayerProblem {
    try stream.advance(to: site.node + 1)
    let sums = MomentsAccumulator(site.geometry)
    for batch in 0..<max(1, probes.lowerBound) {
      sums.add(
        inputs: try stream.value(site.input, batch: batch),
        targets: try stream.value(site.output, batch: batch), isHeld: stream.isHeld(batch))
    }
    let ridge = try sums.ridge(
      ridge, for: layer, at: site, in: stream.graph, sparsity: Self.usualSparsity)
    return LayerProblem(layer, at: site, in: stream.graph, sums.moments(), ridge: ridge)
  }

  /// The measured errors as a curve: the dropped energy times a factor that runs through them.
  private static func curve(_ scored: ScoredLayer, _ measured: [DropCurve.Point]) -> DropCurve {
    let energy = DroppedEnergy.curve(scored.units)
    let count = Double(max(1, scored.layer.count))
    func place(_ dropped: Int) -> Double { -log(max(0.5, count - Double(dropped)) / count) }
    var factors: [(place: Double, log: Double)] = []
    for point in measured {
      let part = energy.value(at: point.dropped)
      guard part > 0, point.value > 0, point.value.isFinite else { continue }
      factors.append((place(point.dropped), log(point.value / part)))
    }
    guard let first = factors.first, let last = factors.last else {
      return DropCurve(rising: measured)
    }
    func factor(_ dropped: Int) -> Double {
      let x = place(dropped)
      if x <= first.place { return exp(first.log) }
      for (a, b) in zip(factors, factors.dropFirst()) where x <= b.place && b.place > a.place {
        return exp(a.log + (b.log - a.log) * (x - a.place) / (b.place - a.place))
      }
      return exp(last.log)
    }
    let stops = DropGrid.drops(of: scored.layer.count) + measured.map { $0.dropped }
    return DropCurve(
      rising: stops.map {
        DropCurve.Point(dropped: $0, value: energy.value(at: $0) * factor($0))
      })
  }
}

/// What runs from a layer on, and what it gives with nothing pruned.
private struct Rest {
  let node: Int
  let inputs: [[Tensor]]
  let threads: Int
  private var reference: [[Tensor]] = []

  init(
    of stream: ActivationStream, from node: Int, _ batches: Range<Int>, threads: Int
  ) throws(CompressError) {
    (self.node, self.threads) = (node, threads)
    let segment = stream.graph.rest(from: node)
    var inputs: [[Tensor]] = []
    for batch in batches {
      var tensors: [Tensor] = []
      for id in segment.inputs { tensors.append(try stream.value(id, batch: batch)) }
      inputs.append(tensors)
    }
    self.inputs = inputs
    reference = try outputs(of: stream.graph)
  }

  /// What the outputs of `graph`, which differs in the layer alone, lose of the reference.
  func loss(of graph: Graph, hasClasses: Bool) throws(CompressError) -> Double {
    var distance = OutputDistance(hasClasses: hasClasses)
    for (outputs, old) in zip(try outputs(of: graph), reference) {
      distance.add(outputs, reference: old)
    }
    return distance.loss
  }

  private func outputs(of graph: Graph) throws(CompressError) -> [[Tensor]] {
    var part = graph.rest(from: node).graph
    do throws(PassError) {
      try PassDriver(pipeline: .deployment).run(&part)
    } catch {
      throw .calibration(error.message)
    }
    do throws(RuntimeError) {
      let session = try Session(part, options: SessionOptions(threads: threads))
      var result: [[Tensor]] = []
      for tensors in inputs { result.append(try session.run(tensors)) }
      return result
    } catch {
      throw .calibration(error.message)
    }
  }
}

extension Graph {
  /// The nodes from `node` on as a graph that makes those of this graph's outputs that they make.
  fileprivate func rest(from node: Int) -> (graph: Graph, inputs: [ValueID]) {
    let segment = segment(node..<nodes.count) { outputs.contains($0) }
    return (segment.graph, segment.inputs)
  }

  /// Puts a layer's new bias where the site says.
  fileprivate mutating func setBias(_ bias: [Double], of layer: Layer, _ site: LayerSite) {
    switch site.bias {
    case .none: break
    case .own(let id?):
      let old = self[id].constant
      self[id].constant = Tensor(
        layer.weight.dtype, old?.shape ?? [bias.count], doubles: bias)
    case .own(nil):
      let id = addConstant(
        unusedName(layer.name + "_bias"),
        Tensor(layer.weight.dtype, [bias.count], doubles: bias))
      while nodes[site.node].inputs.count <= 2 { nodes[site.node].inputs.append(nil) }
      nodes[site.node].inputs[2] = id
    case .following(let id):
      guard let old = self[id].constant else { return }
      self[id].constant = Tensor(
        old.dtype, old.shape, doubles: zip(old.doubles, bias).map { $0 + $1 })
    }
  }
}
