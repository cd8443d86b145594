import CKernels
import SparrowCore

/// Runs single operators on constant tensors: what constant folding is made of.
public enum Evaluator {
  /// The outputs of one operator on known inputs. Throws when their types contradict each other or
  /// the operator meets values it is not defined for; `label` names the node in messages.
  public static func evaluate(
    _ op: Op, inputs: [Tensor?], outputCount: Int, label: String
  ) throws(RuntimeError) -> [Tensor] {
    var graph = Graph(name: "evaluation")
    var ids: [ValueID?] = []
    for (i, tensor) in inputs.enumerated() {
      if let tensor { ids.append(graph.addConstant("input\(i)", tensor)) } else { ids.append(nil) }
    }
    do throws(GraphError) {
      graph.outputs = try graph.add(
        op, ids, name: label, outputs: (0..<outputCount).map { "output\($0)" })
    } catch {
      throw .graph(error)
    }
    if graph.outputs.contains(where: { graph[$0].type?.shape == nil }) {
      return try compute(op, Operands(inputs, outputCount: outputCount), label: label)
    }
    let pool = ThreadPool(count: 1)
    let plan = try Plan(
      graph, kernels: sp_kernels_best(), pool: pool, threads: 1,
      weights: WeightCache(forced: .dense))
    return try Execution(plan).run([], pool: pool)
  }

  /// The outputs of an operator's reference implementation.
  static func compute(
    _ op: Op, _ operands: Operands, label: String
  ) throws(RuntimeError) -> [Tensor] {
    do throws(ComputeError) {
      return try op.compute(operands)
    } catch {
      throw .badValue(node: label, reason: error.reason)
    }
  }
}
