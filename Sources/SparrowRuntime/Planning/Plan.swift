import CKernels
import SparrowCore

/// A graph for concrete shapes as steps and a memory layout. Immutable: executions share it.
final class Plan {
  /// Where a slot's memory is.
  enum Place {
    /// Nothing reads it.
    case none
    case arena(offset: Int)
    case constant(Bytes)
    case input(Int)
    case output(Int)
  }

  /// How a graph output gets its bytes: written in place, or copied from a slot at the end.
  struct Output {
    var type: TensorType
    var shape: [Int]
    var copiedFrom: Int?

    var byteCount: Int { shape.elementCount * type.dtype.size }
  }

  struct Input {
    var dtype: DType
    var shape: [Int]

    var byteCount: Int { shape.elementCount * dtype.size }
  }

  let steps: [Step]
  /// The node each step computes, for profiles and errors.
  let labels: [String]
  let places: [Place]
  let arenaBytes: Int
  let inputs: [Input]
  let outputs: [Output]

  private init(_ builder: PlanBuilder, _ layout: PlanBuilder.Layout, _ inputs: [Input]) {
    (steps, labels) = (builder.steps, builder.labels)
    (places, arenaBytes, outputs) = (layout.places, layout.arenaBytes, layout.outputs)
    self.inputs = inputs
  }

  /// Plans a graph whose types are all concrete, for steps that `threads` workers share.
  convenience init(
    _ graph: Graph, kernels: UnsafePointer<sp_kernel_table>, pool: ThreadPool, threads: Int,
    weights: WeightCache
  ) throws(RuntimeError) {
    var builder = PlanBuilder(
      graph, kernels: kernels, pool: pool, threads: threads, weights: weights)
    try builder.prepareSteps()
    let layout = try builder.layOut()
    var inputs: [Input] = []
    for id in graph.inputs {
      guard let type = graph[id].type, let shape = type.shape else {
        throw .unresolvedShape(value: graph[id].name, type: "an input")
      }
      inputs.append(Input(dtype: type.dtype, shape: shape))
    }
    self.init(builder, layout, inputs)
  }
}
