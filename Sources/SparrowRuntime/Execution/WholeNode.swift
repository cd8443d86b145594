import SparrowCore

/// A node that runs on whole tensors between two plans.
final class WholeNode {
  let node: Node

  init(_ node: Node) { self.node = node }

  /// The node's results, of the inferred element types.
  func run(
    _ operands: [Tensor?], _ graph: Graph, _ resources: Session.Resources
  ) throws(RuntimeError) -> [Tensor] {
    let made = try Evaluator.compute(
      node.op, Operands(operands, outputCount: node.outputs.count), label: node.label)
    guard made.count == node.outputs.count else {
      throw .badValue(
        node: node.label, reason: "it made \(made.count) outputs, expected \(node.outputs.count)")
    }
    return made
  }
}
