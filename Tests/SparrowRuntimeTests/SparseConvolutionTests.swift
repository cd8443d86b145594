import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowRuntime

/// Sparse convolutions against plain loops, with bias, an addend or none, and every activation, and
/// the same bits from any number of threads.
@Suite struct SparseConvolutionTests {
  private func check(
    _ c: Reference.Convolution, _ pattern: SparsePattern, density: Double, _ activation: Activation,
    addend hasAddend: Bool, threads: ClosedRange<Int> = 1...4, seed: UInt64
  ) throws {
    var random = SeededGenerator(seed: seed)
    let x = random.floats(c.inputShape.elementCount)
    var w: [Float] = []
    for _ in 0..<c.group {
      w += pattern.weights(
        outputs: c.outputs / c.group, inputs: c.inputs / c.group,
        positions: c.kernel.0 * c.kernel.1, density: density, &random)
    }
    let bias = random.floats(c.outputs)
    let addend = random.floats(c.outputShape.elementCount)
    let context = "\(c), \(pattern), \(activation), \(hasAddend ? "an addend" : ""), seed \(seed)"
    var expected = Reference.convolve(c, x, w, bias)
    for i in expected.indices {
      expected[i] = activation.reference(expected[i] + (hasAddend ? Double(addend[i]) : 0))
    }
    var first: Tensor?
    for count in threads {
      var graph = Graph()
      var op = c.op
      op.activation = activation
      let input = graph.addInput("x", TensorType(.float32, shape: c.inputShape))
      let weight = graph.addConstant("w", Tensor(w, shape: c.weightShape))
      let offsets = graph.addConstant("b", Tensor(bias))
      var operands: [ValueID?] = [input, weight, offsets]
      var inputs = [Tensor(x, shape: c.inputShape)]
      if hasAddend {
        operands.append(graph.addInput("a", TensorType(.float32, shape: c.outputShape)))
        inputs.append(Tensor(addend, shape: c.outputShape))
      }
      graph.outputs = [try graph.add(.conv(op), operands, name: "y")]
      let session = try Session(
        graph, options: SessionOptions(threads: count, kernel: pattern.kernel))
      let (outputs, steps) = try session.profile(inputs)
      #expect(outputs[0].shape == c.outputShape, "\(context)")
      guard let first else {
        #expect(pattern.isKernel(steps[0].kernel), "\(steps[0].kernel) of \(context)")
        let y = outputs[0].array(of: Float.self)
        #expect(difference(y, expected) < sumTolerance, "\(context)")
        first = outputs[0]
        continue
      }
      #expect(outputs[0] == first, "\(count) threads, \(context)")
    }
  }

  /// Each plane and stride with a few of all dilations, paddings, groups, batches, widths, patterns,
  /// activations and addends.
  @Test(arguments: [(1, 1), (3, 3), (5, 5), (1, 7), (7, 1), (2, 4)])
  func everyGeometry(kernel: (Int, Int)) throws {
    var random = SeededGenerator(seed: UInt64(kernel.0 * 10 + kernel.1))
    var number = Int.random(in: 0..<100, using: &random)
    for (height, width) in [(1, 1), (7, 7), (8, 8), (14, 14), (5, 17), (33, 9)] {
      for strides in [(1, 1), (1, 1), (2, 2), (3, 3), (1, 2), (2, 1), (3, 2)] {
        number += 1
        let dilation = Int.random(in: 1...2, using: &random)
        let group = [1, 1, 2, 3][number % 4]
        let positions = kernel.0 * kernel.1
        // At least 256 weights a group, or the weight counts as dense.
        let inputs = positions > 10 ? 8 : [(48 / positions + 8) / 4 * 4, 48][number / 2 % 2]
        let outputs = [20, 24, 31, 48].randomElement(using: &random) ?? 20
        var c = Reference.Convolution(
          batch: [1, 2, 3].randomElement(using: &random) ?? 1, inputs: group * inputs,
          outputs: group * outputs, height: height, width: width, kernel: kernel, strides: strides,
          dilation: dilation, group: group)
        let reach = ((kernel.0 - 1) * dilation, (kernel.1 - 1) * dilation)
        let pads = [
          [0, 0, 0, 0], [reach.0 / 2, reach.1 / 2, reach.0 / 2, reach.1 / 2],
          [0, 0, reach.0, reach.1], [reach.0, reach.1, 0, 0], [2, 0, 0, 1], [1, 3, 2, 0],
          [reach.0 + 1, reach.1 + 2, reach.0 + 3, reach.1 + 1],
        ]
        let choices = pads.filter {
          c.pads = $0
          return c.isDefined
        }
        c.pads = choices.randomElement(using: &random) ?? pads[6]
        try check(
          c, SparsePattern.allCases[number % 3], density: 0.2, Activation.samples[number % 9],
          addend: number % 2 == 0, seed: UInt64(number))
      }
    }
  }

  /// Reductions of several blocks, and rows of several segments and chunks.
  @Test(
    arguments: [
      (inputs: 300, outputs: 300, size: 8, kernel: 1, stride: 1),
      (1100, 260, 8, 1, 1), (700, 48, 7, 1, 1), (700, 48, 14, 1, 2), (128, 64, 7, 3, 1),
      (96, 40, 14, 3, 1), (120, 515, 10, 3, 1), (40, 70, 16, 5, 2), (4, 1100, 8, 1, 1),
    ], SparsePattern.allCases)
  func largeWeights(
    size: (inputs: Int, outputs: Int, size: Int, kernel: Int, stride: Int), pattern: SparsePattern
  ) throws {
    let c = Reference.Convolution(
      inputs: size.inputs, outputs: size.outputs, height: size.size, width: size.size,
      kernel: (size.kernel, size.kernel), stride: size.stride, pad: size.kernel / 2)
    try check(
      c, pattern, density: 0.08, size.outputs % 3 == 0 ? .silu : .relu, addend: true,
      threads: 1...3, seed: UInt64(size.inputs))
  }

  /// Groups that differ in where their weights lie, and rows and groups without any.
  @Test func emptyRowsAndGroups() throws {
    let c = Reference.Convolution(
      batch: 2, inputs: 32, outputs: 32, height: 9, width: 6, kernel: (3, 3), pad: 1, group: 2)
    var random = SeededGenerator(seed: 3)
    let x = random.floats(c.inputShape.elementCount)
    let bias = random.floats(c.outputs)
    let full = SparsePattern.unstructured.weights(
      outputs: 32, inputs: 16, positions: 9, density: 0.15, &random)
    for isEmpty in [{ $0 % 5 == 0 }, { $0 < 16 }, { $0 >= 16 }, { _ in true }] as [(Int) -> Bool] {
      let w = full.enumerated().map { isEmpty($0 / 144) ? 0 : $1 }
      let expected = Reference.convolve(c, x, w, bias)
      var graph = Graph()
      let input = graph.addInput("x", TensorType(.float32, shape: c.inputShape))
      let weight = graph.addConstant("w", Tensor(w, shape: c.weightShape))
      let offsets = graph.addConstant("b", Tensor(bias))
      graph.outputs = [try graph.add(.conv(c.op), [input, weight, offsets], name: "y")]
      let session = try Session(graph, options: SessionOptions(kernel: .sparse(.single)))
      let y = try session.run([Tensor(x, shape: c.inputShape)])[0].array(of: Float.self)
      #expect(difference(y, expected) < sumTolerance)
    }
  }

  /// An infinity or NaN reaches the outputs that read it and no others, padding and strides or not.
  @Test(arguments: [(1, 1), (1, 2), (3, 1), (3, 2)])
  func specialValuesStayInTheirWindows(window: (kernel: Int, stride: Int)) throws {
    let c = Reference.Convolution(
      inputs: 16, outputs: 16, height: 9, width: 8, kernel: (window.kernel, window.kernel),
      stride: window.stride, pad: window.kernel / 2)
    var random = SeededGenerator(seed: 4)
    let w = SparsePattern.unstructured.weights(
      outputs: 16, inputs: 16, positions: window.kernel * window.kernel, density: 0.2, &random)
    for position in [0, 7, 36, 71] {
      var x = random.floats(c.inputShape.elementCount)
      x[5 * 72 + position] = .nan
      x[9 * 72 + position] = .infinity
      let expected = Reference.convolve(c, x, w, [Float](repeating: 0, count: 16))
      var graph = Graph()
      let input = graph.addInput("x", TensorType(.float32, shape: c.inputShape))
      let weight = graph.addConstant("w", Tensor(w, shape: c.weightShape))
      graph.outputs = [try graph.add(.conv(c.op), [input, weight], name: "y")]
      let session = try Session(graph, options: SessionOptions(kernel: .sparse(.single)))
      let y = try session.run([Tensor(x, shape: c.inputShape)])[0].array(of: Float.self)
      for (found, wanted) in zip(y, expected) {
        #expect(
          wanted.isNaN
            ? found.isNaN
            : wanted.isInfinite
              ? Double(found) == wanted : abs(Double(found) - wanted) < sumTolerance)
      }
    }
  }

  /// A session whose plans have other planes, and so other tilings, of one weight.
  @Test(arguments: SparsePattern.allCases, [1, 3])
  func changingShapes(pattern: SparsePattern, kernel: Int) throws {
    var random = SeededGenerator(seed: 8)
    let (inputs, outputs) = (200, 24)
    let w = pattern.weights(
      outputs: outputs, inputs: inputs, positions: kernel * kernel, density: 0.1, &random)
    let bias = random.floats(outputs)
    let shape: [Dimension] = [.unknown, .known(inputs), .unknown, .unknown]
    var graph = Graph()
    let input = graph.addInput("x", TensorType(.float32, shape))
    let weight = graph.addConstant("w", Tensor(w, shape: [outputs, inputs, kernel, kernel]))
    let offsets = graph.addConstant("b", Tensor(bias))
    let pad = kernel / 2
    let op = Conv(window: Window(pads: [pad, pad, pad, pad]))
    graph.outputs = [try graph.add(.conv(op), [input, weight, offsets], name: "y")]
    let session = try Session(
      graph, options: SessionOptions(threads: 2, kernel: pattern.kernel))
    for (batch, height, width) in [(1, 7, 7), (2, 8, 8), (1, 4, 16), (1, 20, 5), (1, 7, 7)] {
      let c = Reference.Convolution(
        batch: batch, inputs: inputs, outputs: outputs, height: height, width: width,
        kernel: (kernel, kernel), pad: pad)
      let x = random.floats(c.inputShape.elementCount)
      let y = try session.run([Tensor(x, shape: c.inputShape)])[0].array(of: Float.self)
      #expect(difference(y, Reference.convolve(c, x, w, bias)) < sumTolerance)
    }
  }

  /// One weight, read by convolutions of one group and of two, whichever is planned first.
  @Test(arguments: [0.0, 0.8], [[1, 2], [2, 1]])
  func aWeightSharedBetweenGroupings(sparsity: Double, groups: [Int]) throws {
    var random = SeededGenerator(seed: 12)
    let w = random.floats(60 * 16, sparsity: sparsity)
    var graph = Graph()
    let weight = graph.addConstant("w", Tensor(w, shape: [60, 16, 1, 1]))
    var inputs: [Tensor] = []
    var expected: [[Double]] = []
    for group in groups {
      let c = Reference.Convolution(
        inputs: 16 * group, outputs: 60, height: 8, width: 8, group: group)
      let x = random.floats(c.inputShape.elementCount)
      inputs.append(Tensor(x, shape: c.inputShape))
      expected.append(Reference.convolve(c, x, w, [Float](repeating: 0, count: 60)))
      let input = graph.addInput("x\(group)", TensorType(.float32, shape: c.inputShape))
      graph.outputs += [try graph.add(.conv(c.op), [input, weight], name: "y\(group)")]
    }
    for (y, wanted) in zip(try Session(graph).run(inputs), expected) {
      #expect(difference(y.array(of: Float.self), wanted) < sumTolerance)
    }
  }

  /// Negative padding that leaves as many pixels as there were.
  @Test func croppingThatKeepsTheNumberOfPixels() throws {
    let c = Reference.Convolution(
      inputs: 16, outputs: 20, height: 4, width: 6, strides: (1, 1), pads: [0, 0, 2, -2])
    try check(c, .unstructured, density: 0.2, .none, addend: false, seed: 1)
  }

  /// Steps far wider than the input, which have many times more phases than the input pixels.
  @Test func stridesAndDilationsBeyondTheInput() throws {
    var random = SeededGenerator(seed: 2)
    let c = Reference.Convolution(
      inputs: 16, outputs: 16, height: 1, width: 1, kernel: (2, 2), strides: (300, 300),
      pads: [0, 0, 299, 299], dilation: 299)
    let x = random.floats(16)
    let w = random.floats(c.weightShape.elementCount, sparsity: 0.9)
    var graph = Graph()
    let input = graph.addInput("x", TensorType(.float32, shape: c.inputShape))
    let weight = graph.addConstant("w", Tensor(w, shape: c.weightShape))
    graph.outputs = [try graph.add(.conv(c.op), [input, weight], name: "y")]
    let session = try Session(graph, options: SessionOptions(kernel: .sparse(.single)))
    let (y, steps) = try session.profile([Tensor(x, shape: c.inputShape)])
    #expect(!steps[0].kernel.hasPrefix("f32_spmm"))
    let expected = Reference.convolve(c, x, w, [Float](repeating: 0, count: 16))
    #expect(difference(y[0].array(of: Float.self), expected) < sumTolerance)
  }
}
