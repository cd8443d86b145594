import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowRuntime

@Suite struct ConvolutionTests {
  static let shapes: [Reference.Convolution] = [
    .init(inputs: 3, outputs: 5, height: 7, width: 9, kernel: (3, 3), pad: 1),
    .init(inputs: 64, outputs: 33, height: 14, width: 14),
    .init(batch: 2, inputs: 300, outputs: 24, height: 8, width: 12, group: 2),
    .init(inputs: 16, outputs: 20, height: 15, width: 13, kernel: (3, 3), stride: 2, pad: 1),
    .init(batch: 3, inputs: 300, outputs: 17, height: 5, width: 6),
    .init(inputs: 40, outputs: 64, height: 9, width: 9, kernel: (3, 3), pad: 1),
    .init(inputs: 3, outputs: 16, height: 20, width: 20, kernel: (7, 7), stride: 2, pad: 3),
    .init(inputs: 8, outputs: 12, height: 10, width: 10, kernel: (3, 3), pad: 2, dilation: 2),
    .init(inputs: 16, outputs: 24, height: 8, width: 8, kernel: (3, 3), pad: 1, group: 4),
    .init(
      batch: 2, inputs: 12, outputs: 12, height: 11, width: 11, kernel: (3, 3), pad: 1, group: 12),
    .init(inputs: 6, outputs: 12, height: 9, width: 9, kernel: (5, 5), stride: 2, pad: 2, group: 6),
    .init(inputs: 32, outputs: 48, height: 1, width: 70, kernel: (1, 3), pad: 0),
    .init(batch: 2, inputs: 24, outputs: 18, height: 13, width: 14, kernel: (3, 3), pad: 1),
    .init(inputs: 16, outputs: 14, height: 6, width: 56, kernel: (3, 3), pad: 1),
    .init(inputs: 16, outputs: 12, height: 9, width: 30, kernel: (5, 3), pad: 2, dilation: 2),
    .init(
      batch: 2, inputs: 40, outputs: 16, height: 14, width: 28, kernel: (3, 3), pad: 1, group: 2),
  ]

  @Test(arguments: shapes.indices, [0.0, 0.9, 0.99])
  func equalsTheReference(_ index: Int, _ sparsity: Double) throws {
    let c = Self.shapes[index]
    var random = SeededGenerator(seed: UInt64(index))
    let x = random.floats(c.batch * c.inputs * c.height * c.width)
    let w = random.floats(c.weightShape.elementCount, sparsity: sparsity)
    let bias = random.floats(c.outputs)
    let expected = Reference.convolve(c, x, w, bias)
    for threads in [1, 3] {
      var graph = Graph()
      let shape = [c.batch, c.inputs, c.height, c.width]
      let input = graph.addInput("x", TensorType(.float32, shape: shape))
      let weight = graph.addConstant("w", Tensor(w, shape: c.weightShape))
      let offsets = graph.addConstant("b", Tensor(bias))
      graph.outputs = [try graph.add(.conv(c.op), [input, weight, offsets], name: "y")]
      let session = try Session(graph, options: SessionOptions(threads: threads))
      let y = try session.run([Tensor(x, shape: shape)])[0].array(of: Float.self)
      #expect(difference(y, expected) < sumTolerance)
    }
  }

  /// Every third of the four-row or four-input groups kept.
  @Test(arguments: [true, false], [(1, 11), (1, 16), (3, 11), (3, 14)])
  func blockSparseWeights(_ groupsOutputs: Bool, _ size: (kernel: Int, width: Int)) throws {
    let (kernel, width) = ((size.kernel, size.kernel), size.width)
    let c = Reference.Convolution(
      inputs: 48, outputs: 30, height: 12, width: width, kernel: kernel, pad: kernel.0 / 2)
    var random = SeededGenerator(seed: 5)
    let x = random.floats(c.inputs * c.height * c.width)
    var w = random.floats(c.weightShape.elementCount)
    let positions = kernel.0 * kernel.1
    for i in w.indices {
      let (o, input) = (i / positions / c.inputs, i / positions % c.inputs)
      let block = groupsOutputs ? o / 4 * 7 + input : o + input / 4 * 5
      if (block + i % positions) % 5 != 0 { w[i] = 0 }
    }
    let bias = [Float](repeating: 0.5, count: c.outputs)
    var graph = Graph()
    let shape = [1, c.inputs, c.height, c.width]
    let input = graph.addInput("x", TensorType(.float32, shape: shape))
    let weight = graph.addConstant("w", Tensor(w, shape: c.weightShape))
    let offsets = graph.addConstant("b", Tensor(bias))
    graph.outputs = [try graph.add(.conv(c.op), [input, weight, offsets], name: "y")]
    let (y, steps) = try Session(graph).profile([Tensor(x, shape: shape)])
    #expect(steps[0].kernel.hasPrefix(groupsOutputs ? "f32_spmm_4x1" : "f32_spmm_1x4"))
    let expected = Reference.convolve(c, x, w, bias)
    #expect(difference(y[0].array(of: Float.self), expected) < sumTolerance)
  }

  /// Widths that give packed windows, shifted planes of several lines, and of one.
  @Test(arguments: [(0.0, 1), (0.0, 16), (0.9, 1), (0.9, 16)], [10, 14, 50])
  func addendAndActivation(_ weight: (sparsity: Double, group: Int), _ width: Int) throws {
    let (sparsity, group) = weight
    let c = Reference.Convolution(
      inputs: 16, outputs: 16, height: 9, width: width, kernel: (3, 3), pad: 1, group: group)
    var random = SeededGenerator(seed: 9)
    let shape = [1, 16, 9, width]
    let x = random.floats(shape.elementCount)
    let addend = random.floats(shape.elementCount)
    let w = random.floats(c.weightShape.elementCount, sparsity: sparsity)
    let bias = random.floats(16)
    let sums = zip(Reference.convolve(c, x, w, bias), addend).map { $0 + Double($1) }
    let cases: [(Activation, (Double) -> Double)] = [
      (.relu, { max($0, 0) }), (.clip(low: -0.5, high: 0.25), { min(max($0, -0.5), 0.25) }),
      (.hardSwish, { $0 * min(max($0 / 6 + 0.5, 0), 1) }),
    ]
    for (activation, function) in cases {
      var graph = Graph()
      let input = graph.addInput("x", TensorType(.float32, shape: shape))
      let other = graph.addInput("a", TensorType(.float32, shape: shape))
      let weight = graph.addConstant("w", Tensor(w, shape: c.weightShape))
      let offsets = graph.addConstant("b", Tensor(bias))
      var op = c.op
      op.activation = activation
      graph.outputs = [try graph.add(.conv(op), [input, weight, offsets, other], name: "y")]
      let y = try Session(graph).run([Tensor(x, shape: shape), Tensor(addend, shape: shape)])
      #expect(difference(y[0].array(of: Float.self), sums.map(function)) < sumTolerance)
    }
  }
}
