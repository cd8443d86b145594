import SparrowCore

/// One stage of a ``StagedExecution``, and those that may follow it.
final class Stage {
  /// What the following stage depends on: the shapes of results that only running told, and values
  /// that decide the types of others.
  struct Outcome: Hashable {
    var shapes: [[Int]] = []
    var values: [[UInt64]] = []
  }

  /// What is left to compute when the stage begins; its inputs have concrete types.
  let graph: Graph
  let cut: StageCut
  let execution: Execution?
  /// Values of earlier stages that neither this one nor a later one reads.
  let dropped: [ValueID]
  var next: [Outcome: Stage] = [:]
  /// What nodes that run on whole tensors keep from run to run, one for each.
  var wholes: [WholeNode]

  convenience init(
    _ graph: Graph, dropped: [ValueID], plan: (Graph) throws(RuntimeError) -> Execution
  ) throws(RuntimeError) {
    let cut = StageCut(graph)
    let execution: Execution?
    if let part = cut.plan { execution = try plan(part) } else { execution = nil }
    self.init(graph, dropped, cut, execution)
  }

  private init(_ graph: Graph, _ dropped: [ValueID], _ cut: StageCut, _ execution: Execution?) {
    (self.graph, self.dropped, self.cut, self.execution) = (graph, dropped, cut, execution)
    wholes = cut.wholes.map { WholeNode($0) }
  }

  /// What follows, for the values known after this stage.
  func outcome(_ values: [Tensor?]) -> Outcome {
    var outcome = Outcome()
    for node in cut.wholes {
      for id in node.outputs { outcome.shapes.append(values[id.index]?.shape ?? []) }
    }
    for id in cut.shapeValues { outcome.values.append(values[id.index]?.words ?? []) }
    return outcome
  }

  /// What is left to compute after this stage, and which values nothing needs any more but the
  /// model's `outputs`.
  func remainder(
    _ values: [Tensor?], outputs: [ValueID]
  ) throws(RuntimeError) -> (graph: Graph, dropped: [ValueID]) {
    var rest = graph
    rest.nodes = cut.rest
    rest.outputs = graph.outputs.filter { values[$0.index] == nil && graph[$0].constant == nil }
    for (i, value) in values.enumerated() {
      guard let value else { continue }
      rest.values[i].type = TensorType(value.dtype, shape: value.shape)
    }
    for id in cut.shapeValues { rest[id].constant = values[id.index] }
    rest = try rest.folded()
    var isRead = [Bool](repeating: false, count: rest.values.count)
    for node in rest.nodes {
      for case let id? in node.inputs { isRead[id.index] = true }
    }
    rest.inputs = values.indices.map { ValueID($0) }.filter {
      isRead[$0.index] && values[$0.index] != nil && rest[$0].constant == nil
    }
    for id in outputs { isRead[id.index] = true }
    let dropped = values.indices.map { ValueID($0) }.filter {
      !isRead[$0.index] && values[$0.index] != nil
    }
    return (rest, dropped)
  }
}
