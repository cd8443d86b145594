/// A graph that a node holds as an attribute: a branch of an If, the body of a Loop or Scan.
///
/// It is complete in itself. What it reads of the graph around it are its last ``captures`` inputs;
/// the node has them as its own last inputs, in the same order. Rewrites of the graph around need
/// therefore know nothing of subgraphs. Equality and hash ask for the same nodes, and for values of
/// the same names, types and constants.
public struct Subgraph: Hashable, Sendable {
  public var graph: Graph
  /// How many of the graph's inputs are values of the graph around it.
  public var captures: Int

  public init(_ graph: Graph = Graph(), captures: Int = 0) {
    (self.graph, self.captures) = (graph, captures)
  }

  public static func == (a: Subgraph, b: Subgraph) -> Bool {
    let (x, y) = (a.graph, b.graph)
    guard a.captures == b.captures, x.inputs == y.inputs, x.outputs == y.outputs,
      x.values.count == y.values.count, x.nodes.count == y.nodes.count
    else { return false }
    for (m, n) in zip(x.nodes, y.nodes) {
      guard m.inputs == n.inputs, m.outputs == n.outputs, m.op == n.op else { return false }
    }
    for (m, n) in zip(x.values, y.values) {
      guard m.name == n.name, m.type == n.type, m.constant == n.constant else { return false }
    }
    return true
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(captures)
    hasher.combine(graph.nodes.count)
    hasher.combine(graph.values.count)
    for id in graph.inputs + graph.outputs { hasher.combine(graph[id].name) }
  }
}

extension Subgraph {
  /// Subgraphs inside subgraphs go no deeper than this.
  public static var deepestNesting: Int { 32 }

  /// What inferring the types of a graph's subgraphs may cost, see ``Graph/nestedInferenceCost``.
  public static var largestInferenceCost: Int { 1 << 22 }

  /// What is known of the outputs where that much is known of the inputs.
  public func inferred(
    _ inputs: [InferenceContext.Input]
  ) throws(InferenceError) -> [InferenceContext.Input] {
    guard inputs.count == graph.inputs.count else {
      throw InferenceError("it takes \(graph.inputs.count) inputs, is given \(inputs.count)")
    }
    var graph = self.graph
    for (id, input) in zip(graph.inputs, inputs) {
      if let declared = graph[id].type, declared.dtype != input.type.dtype {
        throw InferenceError(
          "its input '\(graph[id].name)' is \(declared.dtype.name), is given "
            + input.type.dtype.name)
      }
      graph[id].type = input.type
      graph[id].constant = input.constant
    }
    do throws(GraphError) {
      for node in graph.nodes { try graph.inferWithValues(node) }
    } catch {
      throw InferenceError(error.message)
    }
    var outputs: [InferenceContext.Input] = []
    for id in graph.outputs {
      guard let type = graph[id].type else {
        throw InferenceError("its output '\(graph[id].name)' has no type")
      }
      outputs.append(InferenceContext.Input(type: type, constant: graph[id].constant))
    }
    return outputs
  }

  /// What is known of the outputs of a body that is run again and again: its inputs are `leading`,
  /// `carried` and `rest`, and its first outputs are the next round's `carried`.
  ///
  /// Lengths that a round changes are unknown; so are all of them where they have not settled after
  /// two rounds.
  func inferredRounds(
    _ leading: [InferenceContext.Input], _ carried: [TensorType], _ rest: [InferenceContext.Input]
  ) throws(InferenceError) -> (carried: [TensorType], others: [TensorType]) {
    var carried = carried
    for round in 0..<3 {
      let outputs = try inferred(leading + carried.map { .init(type: $0) } + rest).map { $0.type }
      guard outputs.count >= carried.count else {
        throw InferenceError(
          "its body has \(outputs.count) outputs, expected \(carried.count) or more")
      }
      var next: [TensorType] = []
      for (i, (old, new)) in zip(carried, outputs).enumerated() {
        guard let both = old.union(new) else {
          throw InferenceError(
            "carried value \(i) is \(old.dtype.name), its next round's \(new.dtype.name)")
        }
        next.append(both)
      }
      let others = Array(outputs.dropFirst(carried.count))
      if next == carried || round == 2 { return (next, others) }
      carried = round == 0 ? next : next.map { TensorType($0.dtype, nil) }
    }
    return (carried, [])
  }
}

extension Graph {
  /// How many nodes are looked at to infer the types of this graph's subgraphs, where a body that
  /// is run again and again is looked at three times.
  public var nestedInferenceCost: Int {
    var cost = 0
    for node in nodes {
      let rounds = node.op.repeatsSubgraphs ? 3 : 1
      for subgraph in node.op.subgraphs {
        let graph = subgraph.graph
        let (once, overflow) = graph.nestedInferenceCost.addingReportingOverflow(graph.nodes.count)
        let (all, overflows) = once.multipliedReportingOverflow(by: rounds)
        let (sum, overflowing) = cost.addingReportingOverflow(all)
        guard !overflow, !overflows, !overflowing else { return .max }
        cost = sum
      }
    }
    return cost
  }

  /// Infers a node's output types, and their values where they follow from types or from a few
  /// integers: shape arithmetic.
  fileprivate mutating func inferWithValues(_ node: Node) throws(GraphError) {
    let types = try inferredTypes(of: node)
    for (id, type) in zip(node.outputs, types) { self[id].type = type }
    let context = try context(of: node)
    var results: [Tensor]?
    if let value = node.op.valueFromTypes(context) {
      results = [value]
    } else if context.inputs.allSatisfy({ $0?.isFewIntegers ?? true }),
      types.allSatisfy({ InferenceContext.Input(type: $0).hasFewElements })
    {
      let operands = Operands(
        context.inputs.map { $0?.constant }, outputCount: node.outputs.count)
      // What cannot be computed here is no error: it need not ever be.
      results = try? node.op.compute(operands)
    }
    guard let results, results.count == node.outputs.count else { return }
    for (id, tensor) in zip(node.outputs, results) where tensor.shape == self[id].type?.shape {
      self[id].constant = tensor
    }
  }
}

extension InferenceContext.Input {
  fileprivate var hasFewElements: Bool {
    (type.shape?.checkedElementCount).map { $0 <= 64 } ?? false
  }

  fileprivate var isFewIntegers: Bool {
    guard let constant else { return false }
    return constant.count <= 64 && !constant.dtype.isFloatingPoint
  }
}
