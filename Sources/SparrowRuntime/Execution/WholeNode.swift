import SparrowCore

/// A node that runs on whole tensors between two plans.
final class WholeNode {
  let node: Node
  /// Of a loop's body.
  private var body: BodySession?

  init(_ node: Node) { self.node = node }

  /// The node's results. `graph` is the one that the node is part of.
  func run(
    _ operands: [Tensor?], _ graph: Graph, _ resources: Session.Resources
  ) throws(RuntimeError) -> [Tensor] {
    let made: [Tensor]
    switch node.op {
    case .loop(let op):
      made = try op.run(
        operands, node, graph, body: try body(op.body, 2 + op.carriedCount, graph, resources))
    case .scan(let op):
      made = try op.run(
        operands, node,
        body: try body(op.body, op.stateCount + op.sequenceCount, graph, resources))
    default:
      made = try Evaluator.compute(
        node.op, Operands(operands, outputCount: node.outputs.count), label: node.label)
    }
    guard made.count == node.outputs.count else {
      throw .badValue(
        node: node.label, reason: "it made \(made.count) outputs, expected \(node.outputs.count)")
    }
    return made
  }

  /// The session of a body whose inputs from `firstCapture` on are captured.
  private func body(
    _ subgraph: Subgraph, _ firstCapture: Int, _ graph: Graph, _ resources: Session.Resources
  ) throws(RuntimeError) -> BodySession {
    if let body { return body }
    let made = try BodySession(subgraph.graph, firstCapture, node, graph, resources)
    body = made
    return made
  }
}

/// Runs a loop's body, with what it captures.
final class BodySession {
  private let session: Session
  /// For each of the body's inputs that the session has, which one it is.
  private let kept: [Int]

  private init(_ session: Session, _ kept: [Int]) {
    (self.session, self.kept) = (session, kept)
  }

  /// Captured constants become constants of the body. Its other inputs may have another shape in each
  /// round.
  convenience init(
    _ body: Graph, _ firstCapture: Int, _ node: Node, _ outer: Graph, _ resources: Session.Resources
  ) throws(RuntimeError) {
    var graph = body
    let captures = node.inputs.suffix(body.inputs.count - firstCapture)
    let constants = captures.map { id in id.flatMap { outer[$0].constant } }
    var kept: [Int] = []
    for (i, id) in body.inputs.enumerated() {
      if i >= firstCapture, let constant = constants[i - firstCapture] {
        graph[id].constant = constant
        graph[id].type = TensorType(constant.dtype, shape: constant.shape)
      } else {
        graph[id].type?.dimensions = nil
        kept.append(i)
      }
    }
    graph.inputs = kept.map { body.inputs[$0] }
    self.init(try Session(graph, resources), kept)
  }

  func run(_ inputs: [Tensor]) throws(RuntimeError) -> [Tensor] {
    try session.run(kept.map { inputs[$0] })
  }
}
