import SparrowCore
import SparrowRuntime

/// A network run over all calibration batches piece by piece: up to a node for every batch, then on to
/// the next, keeping only what later nodes read. Weights of nodes not yet run may change in between.
final class ActivationStream {
  /// For one batch's shapes: every type is known.
  private(set) var graph: Graph
  let batches: Int
  /// The nodes before this one have run.
  private(set) var position = 0
  private let store: ActivationStore
  private let threads: Int
  /// The last node that reads each value; nil for those nobody reads. Outputs are read to the end.
  private var lastReaders: [Int?]

  /// `graph` must be specialized to the batches' shapes.
  init(
    _ graph: Graph, batches: Int, threads: Int, budget: ActivationStore.Budget
  ) {
    (self.graph, self.batches, self.threads) = (graph, batches, threads)
    store = ActivationStore(budget)
    lastReaders = [Int?](repeating: nil, count: graph.values.count)
    for (i, node) in graph.nodes.enumerated() {
      for case let id? in node.inputs { lastReaders[id.index] = i }
    }
    for id in graph.outputs { lastReaders[id.index] = graph.nodes.count }
  }

  /// Takes the network's inputs of one batch.
  func begin(_ inputs: [Tensor], batch: Int) throws(CompressError) {
    for (id, tensor) in zip(graph.inputs, inputs) where lastReaders[id.index] != nil {
      try store.keep(tensor, id, batch: batch)
    }
  }

  /// Whether a batch only judges what others taught.
  func isHeld(_ batch: Int) -> Bool { Batches.isHeld(batch, of: batches) }

  /// A value of one batch: a constant, or what has been computed and is still needed.
  func value(_ id: ValueID, batch: Int) throws(CompressError) -> Tensor {
    if let tensor = graph[id].constant ?? store.tensor(id, batch: batch) { return tensor }
    throw .calibration("the activation '\(graph[id].name)' is not at hand")
  }

  /// Keeps `value` until `node` has run, if it would be forgotten before.
  func hold(_ value: ValueID, until node: Int) {
    if let last = lastReaders[value.index], last >= node { return }
    lastReaders[value.index] = node
  }

  /// Puts another tensor in the place of a constant that only nodes not yet run read.
  func replace(_ id: ValueID, with tensor: Tensor) { graph[id].constant = tensor }

  /// Gives a node that has not run a constant as its input `index`, which it did not have.
  func attach(_ tensor: Tensor, named name: String, to node: Int, input index: Int) {
    let id = graph.addConstant(name, tensor)
    lastReaders.append(node)
    while graph.nodes[node].inputs.count <= index { graph.nodes[node].inputs.append(nil) }
    graph.nodes[node].inputs[index] = id
  }

  /// Runs the nodes before `node` that have not run, for every batch; `finished` hears of each batch.
  func advance(to node: Int, finished: (Int) throws(CompressError) -> Void = { _ in })
    throws(CompressError)
  {
    guard node > position else { return }
    let range = position..<node
    let segment = graph.segment(range) { [lastReaders] id in
      (lastReaders[id.index] ?? -1) >= node
    }
    let session: Session
    do throws(RuntimeError) {
      session = try Session(segment.graph, options: SessionOptions(threads: threads))
    } catch {
      throw .calibration(error.message)
    }
    let dead = graph.values.indices.map { ValueID($0) }.filter {
      graph[$0].constant == nil && lastReaders[$0.index].map { range.contains($0) } == true
    }
    for batch in 0..<batches {
      var inputs: [Tensor] = []
      for id in segment.inputs { inputs.append(try value(id, batch: batch)) }
      let outputs: [Tensor]
      do throws(RuntimeError) { outputs = try session.run(inputs) } catch {
        throw .calibration(error.message)
      }
      inputs = []
      for id in dead { store.forget(id, batch: batch) }
      for (id, tensor) in zip(segment.outputs, outputs) {
        try store.keep(tensor, id, batch: batch)
      }
      try finished(batch)
    }
    position = node
  }
}

extension Graph {
  /// The nodes of `range` as a graph of their own: its inputs are what they read from before, its
  /// outputs those of their results that `isNeeded` later. Both are given in this graph's values too.
  func segment(
    _ range: Range<Int>, isNeeded: (ValueID) -> Bool
  ) -> (graph: Graph, inputs: [ValueID], outputs: [ValueID]) {
    var made = Set<ValueID>()
    var inputs: [ValueID] = []
    for node in nodes[range] {
      for case let id? in node.inputs
      where self[id].constant == nil && !made.contains(id) && !inputs.contains(id) {
        inputs.append(id)
      }
      made.formUnion(node.outputs)
    }
    let outputs = nodes[range].flatMap { $0.outputs }.filter(isNeeded)
    var part = self
    part.nodes = Array(nodes[range])
    (part.inputs, part.outputs) = (inputs, outputs)
    part.removeDeadNodes()
    part.removeUnusedValues()
    return (part, inputs, outputs)
  }
}
