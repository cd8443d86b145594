import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowCompress

/// Sums against plain loops over samples, positions and kernel elements.
struct MomentsTests {
  private func random(_ shape: [Int], _ generator: inout SeededGenerator) -> Tensor {
    Tensor(
      (0..<shape.elementCount).map { _ in Float.random(in: -1...1, using: &generator) },
      shape: shape)
  }

  @Test(
    arguments: [
      Window(), Window(strides: [2, 1], pads: [1, 0, 1, 2]),
      Window(pads: [2, 2, 2, 2], dilations: [2, 2]),
    ], [1, 2, 4])
  func convolution(window: Window, group: Int) throws {
    var generator = SeededGenerator(seed: 8)
    try LinearAlgebra.load()
    let (x, weight) = (random([5, 4, 7, 6], &generator), random([8, 4 / group, 3, 3], &generator))
    var graph = Graph()
    let input = graph.addInput("x", TensorType(.float32, shape: x.shape))
    let w = graph.addConstant("w", weight)
    let output = try graph.add(
      .conv(Conv(window: window, group: group)), [input, w], name: "conv")
    graph.outputs = [output]
    let shape = try #require(graph[output].type?.shape)
    let y = random(shape, &generator)
    let view = WeightView.outputsFirst(weight.shape)
    let geometry = try #require(LayerGeometry(graph.nodes[0], in: graph, view: view))
    let sums = MomentsAccumulator(geometry)
    sums.add(inputs: x, targets: y)
    let moments = sums.moments()
    #expect(moments.groups.count == group)
    let columns = columns(x, window, group, shape)
    let (outputs, values) = (8 / group, y.array(of: Float.self))
    let plane = shape[2] * shape[3]
    for g in 0..<group {
      var expected = GroupMoments(columns: 4 / group * 9, outputs: outputs)
      for (place, column) in columns[g].enumerated() {
        let full = column + [1]
        for i in full.indices {
          for j in full.indices { expected.inputs[i, j] += full[i] * full[j] }
        }
        for o in 0..<outputs {
          let channel = (place / plane * 8 + g * outputs + o) * plane
          let value = Double(values[channel + place % plane])
          for i in full.indices { expected.targets[o, i] += value * full[i] }
          expected.targetSquares[o] += value * value
        }
      }
      #expect(expectNear(moments.groups[g].inputs.elements, expected.inputs.elements, 1e-12))
      #expect(expectNear(moments.groups[g].targets.elements, expected.targets.elements, 1e-12))
      #expect(expectNear(moments.groups[g].targetSquares, expected.targetSquares, 1e-12))
    }
  }

  /// One column a group, sample and output position: kernel positions outside, inputs inside.
  private func columns(
    _ x: Tensor, _ window: Window, _ group: Int, _ output: [Int]
  ) -> [[[Double]]] {
    let (values, each) = (x.array(of: Float.self), x.shape[1] / group)
    let (strides, dilations) = (window.strides ?? [1, 1], window.dilations ?? [1, 1])
    let pads = window.pads ?? [0, 0, 0, 0]
    return (0..<group).map { g in
      var result: [[Double]] = []
      for n in 0..<x.shape[0] {
        for r in 0..<output[2] {
          for c in 0..<output[3] {
            var column: [Double] = []
            for k in 0..<9 {
              let row = r * strides[0] + k / 3 * dilations[0] - pads[0]
              let at = c * strides[1] + k % 3 * dilations[1] - pads[1]
              let isInside = (0..<x.shape[2]).contains(row) && (0..<x.shape[3]).contains(at)
              for i in 0..<each {
                let plane = (n * x.shape[1] + g * each + i) * x.shape[2]
                column.append(isInside ? Double(values[(plane + row) * x.shape[3] + at]) : 0)
              }
            }
            result.append(column)
          }
        }
      }
      return result
    }
  }
}
