import SparrowCore

/// Subgraphs that several tests need.
enum ControlFlowSamples {
  /// A graph that `fill` makes of inputs of the given types; it returns the outputs.
  static func subgraph(
    _ inputs: [(String, TensorType)], captures: Int,
    _ fill: (inout Graph, [ValueID]) throws -> [ValueID]
  ) -> Subgraph {
    var graph = Graph(name: "body")
    let ids = inputs.map { graph.addInput($0.0, $0.1) }
    graph.outputs = (try? fill(&graph, ids)) ?? []
    return Subgraph(graph, captures: captures)
  }

  /// (x, y) -> op(x): a branch that captures x and y.
  static func branch(_ op: Op, _ inputs: Int = 1) -> Subgraph {
    let type = TensorType(.float32, nil)
    return subgraph([("x", type), ("y", type)], captures: 2) { graph, ids in
      [try graph.add(op, Array(ids.prefix(inputs)), name: "result")]
    }
  }

  /// Rounds of carried = carried op step, with the carried value scanned.
  static func loop(_ op: Op, condition: Bool? = nil) -> Op {
    let type = TensorType(.float32, nil)
    let inputs = [
      ("i", TensorType(.int64, [])), ("go", TensorType(.bool, nil)), ("sum", type), ("step", type),
    ]
    return .loop(
      Loop(
        body: subgraph(inputs, captures: 1) { graph, ids in
          let next = try graph.add(op, [ids[2], ids[3]], name: "next")
          let going =
            switch condition {
            case nil: try graph.add(.identity(Identity()), [ids[1]], name: "going")
            case let value?: graph.addConstant("going", Tensor(scalar: value))
            }
          return [going, next, next]
        }))
  }

  /// state = state + slice, which is scanned.
  static func scan(axis: Int? = nil, outputAxis: Int? = nil) -> Op {
    let type = TensorType(.float32, nil)
    var scan = Scan(
      body: subgraph([("state", type), ("slice", type)], captures: 0) { graph, ids in
        let sum = try graph.add(.binary(Binary(.add)), ids, name: "sum")
        return [sum, sum]
      })
    scan.inputAxes = axis.map { [$0] }
    scan.outputAxes = outputAxis.map { [$0] }
    return .scan(scan)
  }
}
