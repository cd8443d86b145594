import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowRuntime

/// The fast paths of gradient operators against their reference implementations.
@Suite struct GradientOperatorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var window: Window
    var group = 1
    var batch = 2
    var channels = (4, 6)
    var spatial: [Int]
    var testDescription: String { name }
  }

  static let cases = [
    Case(name: "1x1", window: Window(kernel: [1, 1]), spatial: [5, 7]),
    Case(name: "3x3", window: Window(kernel: [3, 3], pads: [1, 1, 1, 1]), spatial: [9, 11]),
    Case(
      name: "wide", window: Window(kernel: [3, 3], pads: [1, 1, 1, 1]), channels: (37, 45),
      spatial: [20, 33]),
    Case(
      name: "strided", window: Window(kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1]),
      spatial: [12, 9]),
    Case(
      name: "far apart", window: Window(kernel: [2, 2], strides: [3, 4]), batch: 1,
      spatial: [11, 10]
    ),
    Case(
      name: "dilated", window: Window(kernel: [3, 2], pads: [2, 3, 1, 4], dilations: [2, 3]),
      spatial: [8, 9]),
    Case(
      name: "padding only", window: Window(kernel: [3, 3], strides: [4, 4], pads: [5, 5, 5, 5]),
      spatial: [2, 3]),
    Case(
      name: "cut off", window: Window(kernel: [2, 2], pads: [-1, 0, 0, -2]), spatial: [7, 8]),
    Case(
      name: "grouped", window: Window(kernel: [3, 3], strides: [2, 1], pads: [0, 1, 1, 1]),
      group: 2,
      spatial: [9, 9]),
    Case(
      name: "depthwise", window: Window(kernel: [5, 5], pads: [2, 2, 2, 2]), group: 12, batch: 3,
      channels: (12, 12), spatial: [10, 10]),
    Case(
      name: "long line", window: Window(kernel: [9], strides: [2], pads: [4, 4]), spatial: [1500]),
    Case(
      name: "volume",
      window: Window(kernel: [2, 3, 2], strides: [1, 2, 1], pads: [0, 1, 0, 1, 1, 1]),
      spatial: [4, 5, 6]),
  ]

  /// float32 sums in another order than the reference's float64.
  private static let tolerance = 2e-4

  private func compare(_ op: Op, _ operands: [Tensor]) throws {
    let expected = try op.compute(Operands(operands))[0].doubles
    let largest = expected.reduce(1) { max($0, abs($1)) }
    for threads in [1, 3] {
      var graph = Graph()
      let ids = operands.enumerated().map { i, tensor in
        graph.addInput("x\(i)", TensorType(tensor.dtype, shape: tensor.shape))
      }
      graph.outputs = [try graph.add(op, ids, name: "y")]
      let session = try Session(graph, options: SessionOptions(threads: threads))
      let found = try session.run(operands)[0].doubles
      let worst = zip(expected, found).reduce(0) { max($0, abs($1.0 - $1.1)) }
      #expect(found.count == expected.count)
      #expect(worst <= Self.tolerance * largest, "differs by \(worst), \(threads) threads")
    }
  }

  @Test(arguments: cases) func weightGradient(test: Case) throws {
    let lengths = test.spatial.map { Dimension.known($0) }
    let output = try test.window.outputDimensions(kernel: nil, input: lengths)
    let plane = try #require(TensorType(.float32, output).shape)
    let x = random([test.batch, test.channels.0] + test.spatial, seed: 1)
    let gradient = random([test.batch, test.channels.1] + plane, seed: 2)
    let op = ConvWeightGradient(window: test.window, group: test.group)
    try compare(.convWeightGradient(op), [x, gradient])
  }

  /// The same bytes for any number of workers.
  @Test func weightGradientIsDeterministic() throws {
    let op = Op.convWeightGradient(
      ConvWeightGradient(window: Window(kernel: [3, 3], pads: [1, 1, 1, 1])))
    _ = try run(op, [random([5, 19, 14, 14], seed: 3), random([5, 33, 14, 14], seed: 4)])
  }

  @Test(arguments: [false, true]) func maxPoolGradient(ceilMode: Bool) throws {
    for (window, spatial) in [
      (Window(kernel: [2, 2], strides: [2, 2]), [7, 8]),
      (Window(kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1]), [8, 9]),
      (Window(kernel: [3], pads: [1, 1], dilations: [2]), [9]),
      (Window(kernel: [2, 2, 2], strides: [2, 1, 2]), [4, 5, 5]),
    ] {
      let output = try window.outputDimensions(
        kernel: nil, input: spatial.map { .known($0) }, ceilMode: ceilMode)
      let plane = try #require(TensorType(.float32, output).shape)
      // Few values, so that many windows have more than one largest element.
      let x = random([2, 3] + spatial, seed: 5)
      let ties = Tensor((x.floats ?? []).map { ($0 * 3).rounded() }, shape: x.shape)
      let op = MaxPoolGradient(window: window, ceilMode: ceilMode)
      for values in [x, ties] {
        try compare(.maxPoolGradient(op), [values, random([2, 3] + plane, seed: 6)])
      }
    }
  }
}
