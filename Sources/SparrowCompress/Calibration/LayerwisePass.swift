import SparrowCore
import SparrowPasses
import SparrowRuntime

/// Goes through a network layer after layer: gathers what each is given by the layers before it, as
/// they are compressed already, and what the whole network gave there, and lets `solve` choose its new
/// weights.
///
/// Two streams of activations advance side by side, one through the network as it was, one through
/// what it has become; both are computed once.
struct LayerwisePass {
  /// A layer that is to be changed.
  struct Task {
    var layer: Layer
    /// The part of its weights that goes.
    var sparsity: Double
    /// The weights the stream of the compressed network has there before it is solved for; the
    /// layer's own weight is what it was.
    var solve: (LayerProblem) throws(CompressError) -> Solution
  }

  /// What became of a layer.
  struct Solution {
    var weights: LayerWeights
    /// Squared errors relative to the outputs' energy, before and after repair.
    var errorBefore: Double
    var errorAfter: Double
    /// Solves again, with the mask it has, for other wanted outputs; nil where weights stay.
    var refine: ((LayerProblem) throws(CompressError) -> Solution)? = nil
  }

  /// A layer's new constants in the graph.
  struct Change {
    var weight: Tensor
    /// The new bias; nil where it stays.
    var bias: Tensor?
    var errorBefore: Double
    var errorAfter: Double
  }

  let run: CalibrationRun
  let settings: CalibrationSettings
  /// nil: of each layer what held-out samples like best.
  var ridge: Double?

  /// The changes by weight name. Layers that cannot be calibrated are handed to `skipped` and stay as
  /// `graph` has them.
  func changes(
    of graph: Graph, _ tasks: [Task], skipped: (Layer) -> Void
  ) throws(CompressError) -> [String: Change] {
    try LinearAlgebra.load()
    let batches = try Batches(learning: run.data, of: graph, settings)
    let concrete = try graph.specialized(to: batches)
    let (consumers, producers) = (concrete.consumers(), concrete.producers())
    var sites: [(site: LayerSite, task: Task)] = []
    for task in tasks {
      if let site = LayerSite(task.layer, in: concrete, consumers, producers) {
        sites.append((site, task))
      } else {
        skipped(task.layer)
      }
    }
    sites.sort { $0.site.node < $1.site.node }
    let budget = ActivationStore.Budget(limit: run.memory, folder: run.folder)
    let (whole, pruned) = (
      ActivationStream(concrete, batches: batches.count, threads: run.threads, budget: budget),
      ActivationStream(concrete, batches: batches.count, threads: run.threads, budget: budget)
    )
    for batch in 0..<batches.count {
      let inputs = batches.inputs(batch)
      try whole.begin(inputs, batch: batch)
      try pruned.begin(inputs, batch: batch)
    }
    var result: [String: Change] = [:]
    for (i, (site, task)) in sites.enumerated() {
      run.progress(
        CalibrationProgress(
          stage: task.layer.name, fraction: Double(i) / Double(max(1, sites.count))))
      let change: Change
      if let recorded = known(task.layer) {
        change = recorded
      } else {
        change = try solved(task, site, whole, pruned)
      }
      apply(change, site, task.layer, to: pruned)
      result[task.layer.name] = change
    }
    run.progress(CalibrationProgress(stage: "", fraction: 1))
    return result
  }

  private func solved(
    _ task: Task, _ site: LayerSite, _ whole: ActivationStream, _ pruned: ActivationStream
  ) throws(CompressError) -> Change {
    try whole.advance(to: site.node + 1)
    try pruned.advance(to: site.node)
    let sums = MomentsAccumulator(site.geometry)
    try gather(sums, site, nil, whole, pruned)
    let layout = site.layout(of: task.layer)
    let ridge = try sums.ridge(
      ridge, for: task.layer, at: site, in: whole.graph, sparsity: task.sparsity)
    func problem() throws(CompressError) -> LayerProblem {
      let moments = sums.moments()
      guard moments.isFinite else {
        throw .calibration("the inputs of '\(task.layer.name)' are not finite")
      }
      return LayerProblem(task.layer, at: site, in: whole.graph, moments, ridge: ridge)
    }
    var solution = try task.solve(try problem())
    for _ in 0..<rounds(site, solution) {
      sums.restartTargets()
      let current = try LayerOutputs(
        task.layer, site, pruned.graph,
        layout.tensor(solution.weights.groups, like: task.layer.weight),
        bias: solution.weights.bias, threads: run.threads)
      try gather(sums, site, current, whole, pruned)
      guard let refine = solution.refine else { break }
      // The error before repair stays that of the outputs as they were wanted at first.
      let before = solution.errorBefore
      solution = try refine(try problem())
      solution.errorBefore = before
    }
    let change = Change(
      weight: layout.tensor(solution.weights.groups, like: task.layer.weight),
      bias: newBias(solution.weights.bias, site, whole.graph, task.layer),
      errorBefore: solution.errorBefore, errorAfter: solution.errorAfter)
    try run.journal?.record(change.entry, for: task.layer.name)
    return change
  }

  /// How often the targets are adapted to what the layer gives: where a value is out of its
  /// activation's range, any value beyond will do.
  private func rounds(_ site: LayerSite, _ solution: Solution) -> Int {
    site.continuation.range != nil && solution.refine != nil ? Self.activationRounds : 0
  }

  private static var activationRounds: Int { 4 }

  private func gather(
    _ sums: MomentsAccumulator, _ site: LayerSite, _ current: LayerOutputs?,
    _ whole: ActivationStream, _ pruned: ActivationStream
  ) throws(CompressError) {
    for batch in 0..<pruned.batches {
      let inputs = try pruned.value(site.input, batch: batch)
      let (wantedAddend, addend) = try addends(site, batch, whole, pruned)
      let targets = site.continuation.target(
        wanted: try whole.value(site.output, batch: batch), wantedAddend: wantedAddend,
        addend: addend, current: try current?.values(of: inputs), bias: current?.bias ?? [])
      sums.add(inputs: inputs, targets: targets, isHeld: pruned.isHeld(batch))
    }
  }

  private func addends(
    _ site: LayerSite, _ batch: Int, _ whole: ActivationStream, _ pruned: ActivationStream
  ) throws(CompressError) -> (Tensor?, Tensor?) {
    guard let id = site.continuation.addend else { return (nil, nil) }
    return (try whole.value(id, batch: batch), try pruned.value(id, batch: batch))
  }
}

/// What a layer gives with certain weights, without its bias.
private struct LayerOutputs {
  private let session: Session
  let bias: [Double]

  init(
    _ layer: Layer, _ site: LayerSite, _ source: Graph, _ weight: Tensor, bias: [Double],
    threads: Int
  ) throws(CompressError) {
    self.bias = bias
    var graph = Graph(name: layer.name)
    let type = source[site.input].type ?? TensorType(.float32, nil)
    let input = graph.addInput("input", type)
    let constant = graph.addConstant("weight", weight)
    do {
      graph.outputs = [
        try graph.add(source.nodes[site.node].op, [input, constant], name: "output")
      ]
      session = try Session(graph, options: SessionOptions(threads: threads))
    } catch {
      throw .calibration("the layer of '\(layer.name)' cannot be run by itself")
    }
  }

  func values(of inputs: Tensor) throws(CompressError) -> Tensor {
    do throws(RuntimeError) { return try session.run([inputs])[0] } catch {
      throw .calibration(error.message)
    }
  }
}

extension LayerProblem {
  /// The problem of a layer with its weights in `graph`, from moments of its inputs and outputs.
  init(
    _ layer: Layer, at site: LayerSite, in graph: Graph, _ moments: LayerMoments, ridge: Double
  ) {
    self.init(
      layer, LayerWeights(layer, at: site, in: graph), moments, layout: site.layout(of: layer),
      hasBias: site.hasBias, ridge: ridge)
  }
}

extension LayerWeights {
  /// The layer's own. A bias that a following node adds is part of neither inputs nor outputs.
  fileprivate init(_ layer: Layer, at site: LayerSite, in graph: Graph) {
    var bias = [Double](repeating: 0, count: layer.use.view.outputs)
    if case .own(let id?) = site.bias { bias = graph[id].constant?.doubles ?? bias }
    self.init(groups: site.layout(of: layer).matrices(layer.weight), bias: bias)
  }
}

extension MomentsAccumulator {
  /// `given`, else what held-out samples like best; ``RidgeSearch/usual`` where there are none.
  func ridge(
    _ given: Double?, for layer: Layer, at site: LayerSite, in graph: Graph, sparsity: Double
  ) throws(CompressError) -> Double {
    if let given { return given }
    let search = RidgeSearch(
      layer, LayerWeights(layer, at: site, in: graph), self, layout: site.layout(of: layer),
      hasBias: site.hasBias, sparsity: sparsity)
    guard let search else { return RidgeSearch.usual }
    return try search.best()
  }
}

extension LayerwisePass {
  private func newBias(
    _ bias: [Double], _ site: LayerSite, _ graph: Graph, _ layer: Layer
  ) -> Tensor? {
    switch site.bias {
    case .none: return nil
    case .own(let id):
      let old = id.flatMap { graph[$0].constant }
      return Tensor(layer.weight.dtype, old?.shape ?? [bias.count], doubles: bias)
    case .following(let id):
      guard let old = graph[id].constant else { return nil }
      return Tensor(old.dtype, old.shape, doubles: zip(old.doubles, bias).map { $0 + $1 })
    }
  }

  private func apply(
    _ change: Change, _ site: LayerSite, _ layer: Layer, to stream: ActivationStream
  ) {
    stream.replace(layer.use.value, with: change.weight)
    guard let bias = change.bias else { return }
    switch site.bias {
    case .none: break
    case .own(let id?), .following(let id): stream.replace(id, with: bias)
    case .own(nil):
      stream.attach(bias, named: layer.name + "_bias", to: site.node, input: 2)
    }
  }

  private func known(_ layer: Layer) -> Change? {
    guard let entry = run.journal?.entry(for: layer.name), let weight = entry["weight"],
      weight.shape == layer.weight.shape, weight.dtype == layer.weight.dtype,
      let errors = entry["errors"]?.doubles, errors.count == 2
    else { return nil }
    return Change(
      weight: weight, bias: entry["bias"], errorBefore: errors[0], errorAfter: errors[1])
  }
}

extension LayerwisePass.Change {
  fileprivate var entry: [String: Tensor] {
    var result = ["weight": weight, "errors": Tensor([errorBefore, errorAfter])]
    result["bias"] = bias
    return result
  }
}

extension LayerSite {
  func layout(of layer: Layer) -> WeightLayout {
    WeightLayout(view: layer.use.view, groups: geometry.groups)
  }

  var hasBias: Bool {
    if case .none = bias { return false }
    return true
  }
}

extension Graph {
  /// The graph for the shapes of calibration batches.
  func specialized(to batches: Batches) throws(CompressError) -> Graph {
    do throws(RuntimeError) {
      return try specialized(inputShapes: batches.inputs(0).map { $0.shape })
    } catch {
      throw .calibration(error.message)
    }
  }

  /// Puts a change of a layer in its place.
  mutating func apply(_ change: LayerwisePass.Change, to layer: Layer) {
    self[layer.use.value].constant = change.weight
    guard let bias = change.bias else { return }
    let node = layer.use.node
    if case .matMul = nodes[node].op {
      guard let output = nodes[node].outputs.first,
        let reader = nodes.firstIndex(where: { $0.inputs.contains(output) }),
        let place = nodes[reader].inputs.firstIndex(where: { $0 != output })
      else { return }
      nodes[reader].inputs[place] = addConstant(unusedName(layer.name + "_bias"), bias)
      return
    }
    let id = addConstant(unusedName(layer.name + "_bias"), bias)
    while nodes[node].inputs.count <= 2 { nodes[node].inputs.append(nil) }
    nodes[node].inputs[2] = id
  }
}
