import SparrowCore

extension Graph {
  /// Appends nodes that compute the gradient of `scalar`, a value of one element, with respect to each
  /// of `values` (constants, inputs or what nodes make), and returns these gradients, each of its
  /// value's type and shape; zeros where the scalar does not depend on the value. The graph's outputs
  /// stay as they are.
  ///
  /// Reverse mode: from the scalar backwards, every node's rule turns the gradients of its outputs into
  /// contributions to those of its inputs; contributions to one value are summed, and those to a
  /// broadcast operand reduced to its shape. Activations fused into nodes on the way become nodes of
  /// their own. Gradients of piecewise functions where pieces meet are those of one side.
  ///
  /// Operators without a rule are an error only where a gradient must flow through them. Where lengths
  /// are open, rules use computed shapes as far as they can.
  public mutating func addGradients(
    of scalar: ValueID, withRespectTo values: [ValueID]
  ) throws(DifferentiationError) -> [ValueID] {
    for id in values + [scalar] {
      guard self.values.indices.contains(id.index) else {
        throw .notDifferentiable(value: "value \(id.index)", type: "not in the graph")
      }
      guard let type = self[id].type, type.dtype.isFloatingPoint else {
        let type = self[id].type?.text ?? "of unknown type"
        throw .notDifferentiable(value: self[id].name, type: type)
      }
    }
    guard self[scalar].type?.shape?.checkedElementCount == 1 else {
      throw .notScalar(value: self[scalar].name, type: self[scalar].type?.text ?? "of unknown type")
    }
    var copy = self
    try copy.splitActivations(between: values, and: scalar)
    var pass = ReversePass(copy, of: scalar, values)
    let gradients = try pass.run()
    self = pass.builder.finished()
    return gradients
  }

  /// Which values depend on `sources` through floating-point values, and which `result` depends on.
  func dependencies(
    from sources: [ValueID], to result: ValueID
  ) -> (dependent: [Bool], needed: [Bool]) {
    var dependent = [Bool](repeating: false, count: values.count)
    var needed = dependent
    for id in sources { dependent[id.index] = true }
    for node in nodes where node.inputs.contains(where: { $0.map { dependent[$0.index] } ?? false })
    {
      for id in node.outputs where self[id].type?.dtype.isFloatingPoint ?? true {
        dependent[id.index] = true
      }
    }
    needed[result.index] = true
    for node in nodes.reversed() where node.outputs.contains(where: { needed[$0.index] }) {
      for case let id? in node.inputs { needed[id.index] = true }
    }
    return (dependent, needed)
  }
}

/// What a rule is given: a node, and the gradients of its outputs.
struct NodeGradient {
  let node: Node
  /// One an output; nil where the scalar does not depend on it.
  let outputs: [ValueID?]
  /// Whether each input's gradient is wanted.
  private let wanted: [Bool]

  init(node: Node, outputs: [ValueID?], wanted: [Bool]) {
    (self.node, self.outputs, self.wanted) = (node, outputs, wanted)
  }

  func wants(_ i: Int) -> Bool { i < wanted.count && wanted[i] }

  /// A required input.
  func input(_ i: Int) throws(DifferentiationError) -> ValueID {
    guard let id = node.input(i) else {
      throw .unsupported(node: node.label, reason: "input \(i) is missing")
    }
    return id
  }

  /// The gradient of output 0, which operators with one output have whenever their rule runs.
  func output() throws(DifferentiationError) -> ValueID {
    guard let first = outputs.first, let id = first else {
      throw .unsupported(node: node.label, reason: "only its further outputs are used")
    }
    return id
  }

  /// Throws where the gradient of an output but the first must flow.
  func requireFirstOutputOnly() throws(DifferentiationError) {
    for (i, output) in outputs.enumerated().dropFirst() where output != nil {
      throw .unsupported(node: node.label, reason: "its output \(i) is used")
    }
  }
}

/// One walk from the scalar back to the values.
private struct ReversePass {
  private(set) var builder: GradientBuilder
  private let nodes: [Node]
  private let scalar: ValueID
  private let values: [ValueID]
  private let isOnPath: [Bool]
  /// The contributions to each value's gradient, in the order in which they were made.
  private var contributions: [[ValueID]]

  init(_ graph: Graph, of scalar: ValueID, _ values: [ValueID]) {
    (nodes, self.scalar, self.values) = (graph.nodes, scalar, values)
    builder = GradientBuilder(graph)
    let (dependent, needed) = graph.dependencies(from: values, to: scalar)
    isOnPath = zip(dependent, needed).map { $0 && $1 }
    contributions = [[ValueID]](repeating: [], count: graph.values.count)
  }

  mutating func run() throws(DifferentiationError) -> [ValueID] {
    let type = try builder.type(scalar)
    contributions[scalar.index] = [
      builder.constant(Tensor(type.dtype, type.shape ?? [], doubles: [1]))
    ]
    for node in nodes.reversed() where node.outputs.contains(where: { isOnPath[$0.index] }) {
      try visit(node)
    }
    var results: [ValueID] = []
    for id in values { results.append(try result(id)) }
    return results
  }

  private mutating func visit(_ node: Node) throws(DifferentiationError) {
    builder.begin(node)
    var outputs: [ValueID?] = []
    for id in node.outputs { outputs.append(try total(id)) }
    guard outputs.contains(where: { $0 != nil }) else { return }
    let wanted = node.inputs.map { $0.map { isOnPath[$0.index] } ?? false }
    let made = try node.op.inputGradients(
      NodeGradient(node: node, outputs: outputs, wanted: wanted), &builder)
    for (i, gradient) in made.enumerated() where i < wanted.count && wanted[i] {
      guard let id = node.inputs[i], let gradient else { continue }
      contributions[id.index].append(gradient)
    }
  }

  /// The sum of what a value's readers contribute; nil where there are none.
  private mutating func total(_ id: ValueID) throws(DifferentiationError) -> ValueID? {
    guard var sum = contributions[id.index].first else { return nil }
    for next in contributions[id.index].dropFirst() { sum = try builder.plus(sum, next) }
    contributions[id.index] = [sum]
    return sum
  }

  /// A value of its own for each gradient, so that all can be outputs.
  private mutating func result(_ id: ValueID) throws(DifferentiationError) -> ValueID {
    let sum = isOnPath[id.index] ? try total(id) : nil
    let gradient = if let sum { sum } else { try builder.zeros(id) }
    let named = try builder.add(
      .identity(Identity()), gradient, named: "\(builder.graph[id].name).gradient")
    builder.declare(named, as: builder.graph[id].type)
    return named
  }
}
