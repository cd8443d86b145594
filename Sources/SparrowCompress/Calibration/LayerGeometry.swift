import SparrowCore

/// How a layer's outputs follow from its inputs: which input elements each output position reads.
struct LayerGeometry: Sendable {
  /// Groups of a convolution, else 1.
  let groups: Int
  /// Inputs and outputs of each group.
  let inputs: Int
  let outputs: Int
  /// Kernel positions.
  let taps: Int
  let source: Source

  enum Source: Sendable {
    /// Rows of `inputs` neighbouring elements; each gives one column.
    case rows
    /// Planes, one a channel; `entries` holds for each tap and output position the element of the
    /// input's plane, or -1 in the padding.
    case planes(input: Int, output: Int, entries: [Int32])
  }

  /// Inputs x positions.
  var columns: Int { inputs * taps }

  /// nil where the node is of another kind, or its input's shape is not known.
  init?(_ node: Node, in graph: Graph, view: WeightView) {
    guard let x = node.input(0), let shape = graph[x].type?.shape else { return nil }
    switch node.op {
    case .conv(let op):
      guard op.activation == .none, node.input(3) == nil, shape.count >= 3,
        let weight = node.input(1).flatMap({ graph[$0].type?.shape })
      else { return nil }
      let spatial = Array(shape.dropFirst(2))
      guard
        let window = try? op.window.resolved(
          kernel: Array(weight.dropFirst(2)), input: spatial.map { .known($0) }),
        let output = node.outputs.first.flatMap({ graph[$0].type?.shape })
      else { return nil }
      (groups, inputs) = (op.group, view.inputs)
      (outputs, taps) = (view.outputs / max(1, op.group), view.positions)
      let places = Array(output.dropFirst(2))
      source = .planes(
        input: spatial.elementCount, output: places.elementCount,
        entries: Self.entries(window, input: spatial, output: places))
    case .gemm(let op):
      guard op.alpha == 1, op.beta == 1, !op.transposesA, op.activation == .none else { return nil }
      (groups, inputs, outputs, taps) = (1, view.inputs, view.outputs, 1)
      source = .rows
    case .matMul:
      (groups, inputs, outputs, taps) = (1, view.inputs, view.outputs, 1)
      source = .rows
    default: return nil
    }
  }

  private static func entries(
    _ window: Window.Resolved, input: [Int], output: [Int]
  ) -> [Int32] {
    let (strides, positions) = (input.rowMajorStrides, output.elementCount)
    var result = [Int32](repeating: 0, count: window.kernel.elementCount * positions)
    let (taps, places) = (window.kernel.rowMajorStrides, output.rowMajorStrides)
    for tap in 0..<window.kernel.elementCount {
      for position in 0..<positions {
        var entry = 0
        for axis in input.indices where entry >= 0 {
          let k = tap / taps[axis] % window.kernel[axis]
          let p = position / places[axis] % output[axis]
          let place = p * window.strides[axis] + k * window.dilations[axis] - window.padsBegin[axis]
          entry = (0..<input[axis]).contains(place) ? entry + place * strides[axis] : -1
        }
        result[tap * positions + position] = Int32(entry)
      }
    }
    return result
  }
}
