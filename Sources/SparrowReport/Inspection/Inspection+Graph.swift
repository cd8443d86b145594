import SparrowCore
import SparrowPasses
import SparrowRuntime

extension Inspection {
  /// Inspects a graph called `model`.
  ///
  /// `inputShapes` gives shapes by input name; an open batch is taken as 1. Where a shape stays open
  /// multiply-adds are left out. Weights are read where they are stored, none is copied.
  public init(_ graph: Graph, model: String, inputShapes: [String: [Int]] = [:]) {
    let shapes = graph.assumedInputShapes(inputShapes)
    let work = graph.multiplyAddsByWeight(inputShapes: shapes)
    let uses = graph.weights()
    let tensors = uses.compactMap { graph[$0.value].constant }
    let nonzeros = NonzeroCounts.of(tensors)
    layers = Parallel.map(uses.count) { i in
      LayerFacts(graph, uses[i], tensors[i], nonzeros[i], work)
    }
    self.model = model
    inputs = graph.inputs.map { PortFacts(graph, $0) }
    outputs = graph.outputs.map { PortFacts(graph, $0) }
    totals = ModelTotals(graph, layers, shapes: shapes)
    operators = Self.operatorCounts(graph)
    storage = Self.storageCounts(graph)
  }

  private static func operatorCounts(_ graph: Graph) -> [OperatorCount] {
    let counts = graph.nodes.reduce(into: [String: Int]()) { $0[$1.op.name, default: 0] += 1 }
    return counts.map { OperatorCount(op: $0.key, nodes: $0.value) }
      .sorted { ($1.nodes, $0.op) < ($0.nodes, $1.op) }
  }

  private static func storageCounts(_ graph: Graph) -> [StorageCount] {
    var counts: [String: StorageCount] = [:]
    for tensor in graph.values.compactMap({ $0.constant }) where tensor.dtype.isFloatingPoint {
      let name = "\(tensor.dtype.name) \(tensor.storage.name)"
      var count = counts[name] ?? StorageCount(storage: name, tensors: 0, bytes: 0)
      count.tensors += 1
      count.bytes += tensor.storedByteCount
      counts[name] = count
    }
    return counts.values.sorted { ($1.bytes, $0.storage) < ($0.bytes, $1.storage) }
  }
}

extension PortFacts {
  init(_ graph: Graph, _ id: ValueID) {
    self.init(name: graph[id].name, type: graph[id].type?.text ?? "unknown")
  }
}

extension ModelTotals {
  init(_ graph: Graph, _ layers: [LayerFacts], shapes: [[Int]]?) {
    let constants = graph.values.compactMap { $0.constant }.filter { $0.dtype.isFloatingPoint }
    nodes = graph.nodes.count
    parameters = constants.reduce(0) { $0 + $1.count }
    weights = layers.reduce(0) { $0 + $1.weights }
    nonzeros = layers.reduce(0) { $0 + $1.nonzeros }
    sparsity = weights == 0 ? 0 : Double(weights - nonzeros) / Double(weights)
    denseBytes = constants.reduce(0) { $0 + $1.count * $1.dtype.size }
    storedBytes = constants.reduce(0) { $0 + $1.storedByteCount }
    guard let shapes, layers.allSatisfy({ $0.multiplyAdds != nil }) else { return }
    inputShapes = shapes
    let dense = layers.reduce(0) { $0 + ($1.multiplyAdds ?? 0) }
    let sparse = layers.reduce(0) { $0 + ($1.nonzeroMultiplyAdds ?? 0) }
    multiplyAdds = dense
    nonzeroMultiplyAdds = sparse
    theoreticalSpeedup = sparse == 0 ? nil : Double(dense) / Double(sparse)
  }
}

extension LayerFacts {
  init(
    _ graph: Graph, _ use: WeightUse, _ tensor: Tensor, _ nonzeros: Int, _ work: [String: Int]
  ) {
    let node = graph.nodes[use.node]
    name = graph[use.value].name
    (self.node, op, kind, shape) = (node.name, node.op.name, use.kind.name, tensor.shape)
    (weights, self.nonzeros) = (tensor.count, nonzeros)
    sparsity = weights == 0 ? 0 : Double(weights - nonzeros) / Double(weights)
    multiplyAdds = work[name]
    // Every weight of a layer is multiplied equally often.
    nonzeroMultiplyAdds = multiplyAdds.map { $0 / max(1, tensor.count) * nonzeros }
    (storage, bytes) = (tensor.storage.name, tensor.storedByteCount)
    structure = ZeroStructure.name(of: tensor, view: use.view, nonzeros: nonzeros)
    note = Self.note(use, sparsity: sparsity, structure: structure)
  }

  /// Why the layer does, or does not, run faster than dense.
  private static func note(_ use: WeightUse, sparsity: Double, structure: String?) -> String {
    let limit = SparsityChoice.densityLimit
    let percent = Int((100 * (1 - limit)).rounded())
    if sparsity == 0 {
      return use.kind == .depthwise ? "depthwise: not pruned by default" : "dense"
    }
    if use.kind == .depthwise { return "depthwise: runs dense at any sparsity" }
    if 1 - sparsity > limit { return "below \(percent) %: runs dense" }
    return structure.map { "runs sparse, \($0)" } ?? "runs sparse"
  }
}
