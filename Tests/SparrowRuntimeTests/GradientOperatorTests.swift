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

  private func compare(
    _ op: Op, _ operands: [Tensor], outputs: Int = 1, constants: Set<Int> = []
  ) throws {
    let expected = try op.compute(Operands(operands, outputCount: outputs))
    for threads in [1, 3] {
      var graph = Graph()
      let ids = operands.enumerated().map { i, tensor in
        constants.contains(i)
          ? graph.addConstant("c\(i)", tensor)
          : graph.addInput("x\(i)", TensorType(tensor.dtype, shape: tensor.shape))
      }
      graph.outputs = try graph.add(
        op, ids, name: "node", outputs: (0..<outputs).map { "y\($0)" })
      let session = try Session(graph, options: SessionOptions(threads: threads))
      let inputs = operands.indices.filter { !constants.contains($0) }.map { operands[$0] }
      for (want, found) in zip(expected, try session.run(inputs)) {
        expectClose(found, want, threads)
      }
    }
  }

  private func expectClose(_ found: Tensor, _ want: Tensor, _ threads: Int) {
    let largest = want.doubles.reduce(1) { max($0, abs($1)) }
    let worst = zip(want.doubles, found.doubles).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(found.shape == want.shape)
    #expect(worst <= Self.tolerance * largest, "differs by \(worst), \(threads) threads")
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

  /// Constant masks from those that keep nothing to those too full to be sampled.
  @Test(arguments: cases, [0, 0.05, 0.2, 0.6])
  func weightGradientUnderAMask(test: Case, density: Double) throws {
    let lengths = test.spatial.map { Dimension.known($0) }
    let output = try test.window.outputDimensions(kernel: nil, input: lengths)
    let plane = try #require(TensorType(.float32, output).shape)
    let x = random([test.batch, test.channels.0] + test.spatial, seed: 1)
    let gradient = random([test.batch, test.channels.1] + plane, seed: 2)
    let kernel = try #require(test.window.kernel)
    let op = Op.convWeightGradient(ConvWeightGradient(window: test.window, group: test.group))
    let mask = self.mask([test.channels.1, test.channels.0 / test.group] + kernel, density)
    try compare(op, [x, gradient, mask], constants: [2])
    try compare(op, [x, gradient, mask])
  }

  /// Convolutions, and their input gradients, with a weight that is computed under a mask.
  @Test(
    arguments: [
      (Window(kernel: [3, 3], pads: [1, 1, 1, 1]), 1, [9, 12]),
      (Window(kernel: [1, 1]), 1, [5, 8]),
      (Window(kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1]), 1, [9, 12]),
      (Window(kernel: [1, 1], strides: [2, 2]), 2, [8, 8]),
      (Window(kernel: [3], pads: [1, 0]), 2, [21]),
      (Window(kernel: [2, 2, 2]), 1, [4, 5, 6]),
    ], [0.03, 0.15, 0.5])
  func maskedConvolution(shape: (Window, Int, [Int]), density: Double) throws {
    let (window, group, spatial) = shape
    let kernel = try #require(window.kernel)
    let weights = [48, 32 / group] + kernel
    let (x, w) = (random([3, 32] + spatial, seed: 1), random(weights, seed: 2))
    let mask = self.mask(weights, density)
    let masked = try Op.masked(Masked()).compute(Operands([w, mask]))[0]
    let conv = Op.conv(Conv(window: window, group: group))
    let expected = try conv.compute(Operands([x, masked]))[0]
    for threads in [1, 3] {
      var graph = Graph()
      let ids = [("x", x), ("w", w)].map {
        graph.addInput($0, TensorType(.float32, shape: $1.shape))
      }
      let flags = graph.addConstant("mask", mask)
      let weight = try graph.add(.masked(Masked()), [ids[1], flags], name: "masked")
      graph.outputs = [try graph.add(conv, [ids[0], weight], name: "y")]
      let session = try Session(graph, options: SessionOptions(threads: threads))
      expectClose(try session.run([x, w])[0], expected, threads)
      // Other values under the same mask.
      let doubled = Tensor((w.floats ?? []).map { 2 * $0 }, shape: w.shape)
      let twice = Tensor((expected.floats ?? []).map { 2 * $0 }, shape: expected.shape)
      expectClose(try session.run([x, doubled])[0], twice, threads)
    }
  }

  private func mask(_ shape: [Int], _ density: Double) -> Tensor {
    let noise = random(shape, seed: 3).floats ?? []
    return Tensor(
      .bool, shape, integers: noise.map { Double($0) * 0.5 + 0.5 < density ? 1 : 0 })
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

  /// Means far from 0 next to the deviation, and channels of one value only.
  @Test(arguments: [[6, 5], [3, 4, 7], [4, 35, 9, 8], [2, 3, 2, 3, 4]])
  func batchNormalization(shape: [Int]) throws {
    let channels = shape[1]
    let plane = shape.dropFirst(2).reduce(1, *)
    var values = random(shape, seed: 7).floats ?? []
    for i in values.indices {
      let channel = i / plane % channels
      values[i] = channel == 1 ? 3 : values[i] + 4 * Float(channel % 3)
    }
    let x = Tensor(values, shape: shape)
    let vectors = (8..<12).map { random([channels], seed: $0) }
    let variance = Tensor((vectors[3].floats ?? []).map { abs($0) }, shape: [channels])
    var op = BatchNormalization()
    (op.isTraining, op.momentum) = (true, 0.7)
    try compare(
      .batchNormalization(op), [x, vectors[0], vectors[1], vectors[2], variance], outputs: 3)
    let gradient = BatchNormalizationGradient(epsilon: 0.01)
    try compare(
      .batchNormalizationGradient(gradient), [x, vectors[0], random(shape, seed: 12)], outputs: 3)
  }
}
