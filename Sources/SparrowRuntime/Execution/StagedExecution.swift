import CPlatform
import SparrowCore

/// Runs a graph whose shapes depend on values, for inputs of certain shapes: stage after stage, each
/// planned when it is first reached and kept for the next run that takes the same way.
final class StagedExecution {
  /// Is told of each step: its node, its kernel, multiply-adds, and nanoseconds.
  typealias Observer = (String, String, Int, UInt64) -> Void

  private let first: Stage
  private let outputs: [ValueID]
  private let pool: ThreadPool
  private let resources: Session.Resources
  private var stageCount = 1

  /// The most stages kept; those after the first are forgotten together when another is needed.
  private static var stageLimit: Int { 256 }

  private init(_ first: Stage, _ outputs: [ValueID], _ resources: Session.Resources) {
    (self.first, self.outputs, self.resources) = (first, outputs, resources)
    pool = resources.pool
  }

  /// For a folded graph whose inputs have concrete types.
  convenience init(_ graph: Graph, _ resources: Session.Resources) throws(RuntimeError) {
    let first = try Stage(graph, dropped: []) { (part) throws(RuntimeError) in
      try Execution(part, resources)
    }
    self.init(first, graph.outputs, resources)
  }

  func run(
    _ inputs: [Tensor], observe: Observer? = nil
  ) throws(RuntimeError) -> [Tensor] {
    var values = [Tensor?](repeating: nil, count: first.graph.values.count)
    for (id, tensor) in zip(first.graph.inputs, inputs) { values[id.index] = tensor }
    var stage = first
    while true {
      try run(stage, &values, observe)
      if stage.cut.isComplete { return collect(stage.graph, values) }
      stage = try following(stage, values)
      while values.count < stage.graph.values.count { values.append(nil) }
      for id in stage.dropped { values[id.index] = nil }
    }
  }

  private func run(
    _ stage: Stage, _ values: inout [Tensor?], _ observe: Observer?
  ) throws(RuntimeError) {
    for id in outputs where values[id.index] == nil {
      values[id.index] = stage.graph[id].constant
    }
    if let part = stage.cut.plan, let execution = stage.execution {
      var operands: [Tensor] = []
      for id in part.inputs { operands.append(try known(id, values, stage.graph).aligned()) }
      let made = try execution.run(operands, pool: pool, observe: observer(execution, observe))
      for (id, tensor) in zip(part.outputs, made) { values[id.index] = tensor }
    }
    for whole in stage.wholes {
      var operands: [Tensor?] = []
      for id in whole.node.inputs {
        guard let id else {
          operands.append(nil)
          continue
        }
        operands.append(try known(id, values, stage.graph))
      }
      let start = sp_clock_ns()
      let made = try whole.run(operands, stage.graph, resources)
      observe?(whole.node.label, "reference", 0, sp_clock_ns() - start)
      for (id, tensor) in zip(whole.node.outputs, made) { values[id.index] = tensor }
    }
  }

  private func observer(
    _ execution: Execution, _ observe: Observer?
  ) -> ((Int, UInt64) -> Void)? {
    guard let observe, let plan = execution.plan else { return nil }
    return { i, time in
      observe(plan.labels[i], plan.steps[i].kernel, plan.steps[i].multiplyAdds, time)
    }
  }

  private func known(
    _ id: ValueID, _ values: [Tensor?], _ graph: Graph
  ) throws(RuntimeError) -> Tensor {
    guard let tensor = graph[id].constant ?? values[id.index] else {
      throw .unresolvedShape(value: graph[id].name, type: graph[id].type?.text ?? "of unknown type")
    }
    return tensor
  }

  private func following(_ stage: Stage, _ values: [Tensor?]) throws(RuntimeError) -> Stage {
    let outcome = stage.outcome(values)
    if let next = stage.next[outcome] { return next }
    let rest = try stage.remainder(values, outputs: outputs)
    let next = try Stage(rest.graph, dropped: rest.dropped) {
      [resources] (part) throws(RuntimeError) in
      try Execution(part, resources)
    }
    if stageCount >= StagedExecution.stageLimit {
      first.next = [:]
      stageCount = 1
    }
    stage.next[outcome] = next
    stageCount += 1
    return next
  }

  private func collect(_ graph: Graph, _ values: [Tensor?]) -> [Tensor] {
    outputs.compactMap { values[$0.index] ?? graph[$0].constant }
  }

  /// Bytes of activations of all stages planned so far.
  var arenaBytes: Int { StagedExecution.arenaBytes(first) }

  private static func arenaBytes(_ stage: Stage) -> Int {
    stage.next.values.reduce(stage.execution?.arenaBytes ?? 0) { $0 + arenaBytes($1) }
  }
}

extension Execution {
  /// Plans a graph whose types are all concrete; samples of a batch apart where that is possible.
  convenience init(_ graph: Graph, _ resources: Session.Resources) throws(RuntimeError) {
    for node in graph.nodes {
      for id in node.outputs { try graph.requireConcrete(id) }
    }
    let split = BatchSplit(graph)
    try self.init(
      samples: split?.samples ?? 1, workers: resources.pool.count
    ) { (threads) throws(RuntimeError) in
      try Plan(
        split?.graph ?? graph, kernels: resources.kernels, pool: resources.pool, threads: threads,
        weights: resources.weights)
    }
  }
}

extension Tensor {
  /// The tensor with dense elements that kernels can read in place.
  func aligned() -> Tensor {
    let dense = dense()
    guard let bytes = dense.denseBytes, !bytes.isAligned(for: UInt64.self) else { return dense }
    let copy = Bytes(count: bytes.count) { target in
      target.copyMemory(from: UnsafeRawBufferPointer(start: bytes.pointer, count: bytes.count))
    }
    return Tensor(dtype: dense.dtype, shape: dense.shape, bytes: copy)
  }
}
