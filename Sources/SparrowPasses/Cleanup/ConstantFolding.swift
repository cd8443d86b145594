import SparrowCore
import SparrowRuntime

/// Computes nodes whose inputs are constants, and shapes that follow from types.
///
/// Loops and branches are left alone: ``BranchSelection`` takes a branch whose condition is known.
/// A large constant is not traded for a larger one unless asked: int8 weights behind Cast and Mul
/// stay small in a file, and the runtime folds them when it loads the model.
public struct ConstantFolding: Pass {
  public static let name = "constant-folding"

  /// Results up to this many bytes are always folded.
  public static let freeByteCount = 64 << 10

  /// Fold also where the result takes more memory than the constants it replaces.
  public var expandsWeights: Bool

  public init(expandsWeights: Bool = false) { self.expandsWeights = expandsWeights }

  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    var changes = 0
    while changes < limit {
      let folded = sweep(&graph, limit: limit - changes)
      guard folded > 0 else { break }
      changes += folded
      // Folded shapes make more types known, which may make more shapes known.
      do throws(GraphError) {
        try graph.inferTypes()
      } catch {
        throw .invalidResult(pass: Self.name, error)
      }
    }
    return changes
  }

  // Pattern: op(constants) -> constant, shape(x: f32[1,3]) -> [1,3]
  private func sweep(_ graph: inout Graph, limit: Int) -> Int {
    var folded = Set<Int>()
    let outputs = Set(graph.outputs)
    for i in graph.nodes.indices where folded.count < limit {
      let node = graph.nodes[i]
      guard !node.outputs.contains(where: outputs.contains), node.op.subgraphs.isEmpty,
        let results = results(of: node, in: graph)
      else { continue }
      for (id, tensor) in zip(node.outputs, results) {
        graph[id].constant = tensor
        graph[id].type = TensorType(tensor.dtype, shape: tensor.shape)
      }
      folded.insert(i)
    }
    graph.removeNodes(folded)
    return folded.count
  }

  private func results(of node: Node, in graph: Graph) -> [Tensor]? {
    guard let context = try? graph.context(of: node) else { return nil }
    if node.outputs.count == 1, let tensor = node.op.valueFromTypes(context) { return [tensor] }
    var inputs: [Tensor?] = []
    for id in node.inputs {
      guard let id else {
        inputs.append(nil)
        continue
      }
      guard let constant = graph[id].constant else { return nil }
      inputs.append(constant)
    }
    guard isAllowed(node, inputs, graph) else { return nil }
    // What cannot be evaluated here is left to the runtime, which says why.
    let results = try? Evaluator.evaluate(
      node.op, inputs: inputs, outputCount: node.outputs.count, label: node.name)
    guard let results, results.count == node.outputs.count else { return nil }
    return results
  }

  private func isAllowed(_ node: Node, _ inputs: [Tensor?], _ graph: Graph) -> Bool {
    guard let types = try? graph.inferredTypes(of: node) else { return false }
    var made = 0
    for type in types {
      // Only data-dependent shapes are open here, and those come from small shape arithmetic.
      guard let count = type.shape?.checkedElementCount else { continue }
      let (bytes, overflow) = count.multipliedReportingOverflow(by: type.dtype.size)
      let (sum, overflowing) = made.addingReportingOverflow(bytes)
      guard !overflow, !overflowing else { return false }
      made = sum
    }
    if made <= Self.freeByteCount || expandsWeights { return true }
    return made <= inputs.reduce(0) { $0 + ($1?.storedByteCount ?? 0) }
  }
}
