import SparrowCore
import SparrowPasses
import SparrowRuntime
import SparrowTestSupport
import Testing

/// How rules are put together.
@Suite struct GraphGradientTests {
  @Test func contributionsAreSummed() throws {
    // sum(x * x + x): 2x + 1
    var b = Builder("net")
    let x = b.input("x", [3])
    let square = try b.binary(.mul, x, x, name: "square")
    let total = try b.binary(.add, square, x, name: "total")
    let sum = try b.op(.reduce(Reduce(.sum, keepsDimensions: false)), total, name: "sum")
    var graph = b.returning(sum)
    graph.outputs = try graph.addGradients(of: sum, withRespectTo: [x])
    try graph.verify()
    let found = try Session(graph).run([Tensor([Float(1), -2, 0.5])])
    #expect(found == [Tensor([Float(3), -3, 2])])
    #expect(graph[graph.outputs[0]].name == "x.gradient")
  }

  @Test func valuesThatDoNotMatterHaveZeros() throws {
    var b = Builder("net")
    let x = b.input("x", [.symbol("n"), .known(2)])
    let w = b.weight("w", [3])
    let sum = try b.op(.reduce(Reduce(.sum, keepsDimensions: false)), x, name: "sum")
    let after = try b.unary(.exp, sum, name: "after")
    var graph = b.returning(sum)
    graph.outputs = try graph.addGradients(of: sum, withRespectTo: [w, after, x, sum, x])
    try graph.verify()
    let found = try Session(graph).run([Tensor([Float(1), 2, 3, 4], shape: [2, 2])])
    let ones = Tensor([Float(1), 1, 1, 1], shape: [2, 2])
    #expect(
      found == [
        Tensor([Float(0), 0, 0]), Tensor(scalar: Float(0)), ones, Tensor(scalar: Float(1)), ones,
      ])
  }

  @Test func operatorsWithoutRuleMatterOnlyOnTheWay() throws {
    var b = Builder("net")
    let x = b.input("x", [4])
    let w = b.weight("w", [4])
    let before = try b.op(.hardmax(Hardmax()), x, name: "choice")
    let product = try b.binary(.mul, before, w, name: "product")
    let sum = try b.op(.reduce(Reduce(.sum, keepsDimensions: false)), product, name: "sum")
    var graph = b.returning(sum)
    let untouched = graph.text
    #expect(throws: DifferentiationError.noRule(node: "Hardmax 'choice'")) {
      _ = try graph.addGradients(of: sum, withRespectTo: [x])
    }
    #expect(graph.text == untouched)
    graph.outputs = try graph.addGradients(of: sum, withRespectTo: [w])
    let found = try Session(graph).run([Tensor([Float(1), 3, 2, 0])])
    #expect(found == [Tensor([Float(0), 1, 0, 0])])
  }

  @Test func gradientsThroughValuesInTheMiddle() throws {
    var b = Builder("net")
    let x = b.input("x", [2])
    let y = try b.unary(.exp, x, name: "y")
    let z = try b.binary(.mul, y, y, name: "z")
    let sum = try b.op(.reduce(Reduce(.sum, keepsDimensions: false)), z, name: "sum")
    var graph = b.returning(sum)
    graph.outputs = try graph.addGradients(of: sum, withRespectTo: [y, x])
    let found = try Session(graph).run([Tensor([Float(0), 0])])
    #expect(found == [Tensor([Float(2), 2]), Tensor([Float(2), 2])])
  }

  @Test func refusals() throws {
    var b = Builder("net")
    let x = b.input("x", [2])
    let i = b.input("i", [2], .int64)
    var graph = b.returning(x)
    #expect(throws: DifferentiationError.notScalar(value: "x", type: "f32[2]")) {
      _ = try graph.addGradients(of: x, withRespectTo: [x])
    }
    #expect(throws: DifferentiationError.notDifferentiable(value: "i", type: "i64[2]")) {
      _ = try graph.addGradients(of: x, withRespectTo: [i])
    }
    #expect(
      throws: DifferentiationError.notDifferentiable(value: "value 9", type: "not in the graph")
    ) {
      _ = try graph.addGradients(of: ValueID(9), withRespectTo: [])
    }
    #expect(throws: DifferentiationError.notConstant(value: "x")) {
      _ = try graph.promotingConstantsToInputs([x])
    }
    graph.outputs = [i]
    #expect(throws: DifferentiationError.self) { _ = try graph.addCrossEntropyLoss() }
  }

  @Test func openLengthsThatARuleNeedsAreNamed() throws {
    var b = Builder("net")
    let x = b.input("x", [.symbol("n"), .known(2), .symbol("h"), .symbol("w")])
    let w = b.weight("w", [3, 2, 3, 3])
    let strided = Conv(window: Window(strides: [2, 2], pads: [1, 1, 1, 1]))
    let y = try b.op(.conv(strided), x, w, name: "conv")
    let sum = try b.op(.reduce(Reduce(.sum, keepsDimensions: false)), y, name: "sum")
    var graph = b.returning(sum)
    // How far the plane went on after the last window is not to be seen from the output.
    #expect(throws: DifferentiationError.self) {
      _ = try graph.addGradients(of: sum, withRespectTo: [x])
    }
    // The weight's gradient needs no lengths.
    graph.outputs = try graph.addGradients(of: sum, withRespectTo: [w])
    try graph.verify()
    #expect(graph[graph.outputs[0]].type?.text == "f32[3,2,3,3]")
  }

  @Test func promotedConstantsAreInputs() throws {
    var b = Builder("net")
    let x = b.input("x", [2, 3])
    let w = b.weight("w", [3, 2])
    let y = try b.op(.matMul(MatMul()), x, w, name: "y")
    let graph = b.returning(y)
    let weight = try #require(graph[w].constant)
    let promoted = try graph.promotingConstantsToInputs([w])
    try promoted.verify()
    #expect(promoted.inputs == [x, w])
    let input = randomInputs(of: graph, seed: 1)
    #expect(try Session(graph).run(input) == Session(promoted).run(input + [weight]))
  }

  /// An attention head and a convolution with everything between them, from the loss to all weights.
  @Test func smallNetwork() throws {
    for seed: UInt64 in [1, 2] {
      var random = SeededGenerator(seed: seed)
      var graph = Graph()
      let x = graph.addInput("x", TensorType(.float64, shape: [2, 3, 6, 6]))
      let labels = Tensor([Int64(1), 3])
      let shapes = [[4, 3, 3, 3], [4], [4, 4], [4, 4], [4, 4], [4], [4, 5], [5]]
      let weights = shapes.enumerated().map { i, shape in
        graph.addInput("w\(i)", TensorType(.float64, shape: shape))
      }
      func add(_ op: Op, _ inputs: ValueID?..., name: String) throws -> ValueID {
        try graph.add(op, inputs, name: name)
      }
      func integers(_ values: [Int64], _ name: String) -> ValueID {
        graph.addConstant(name, Tensor(values))
      }
      let conv = try add(
        .conv(Conv(window: Window(strides: [2, 2], pads: [1, 1, 1, 1]), activation: .silu)), x,
        weights[0], weights[1], name: "conv")
      let flat = try add(
        .reshape(Reshape()), conv, integers([2, 4, 9], "shape"), name: "flat")
      let tokens = try add(.transpose(Transpose([0, 2, 1])), flat, name: "tokens")
      let q = try add(.matMul(MatMul()), tokens, weights[2], name: "q")
      let k = try add(.matMul(MatMul()), tokens, weights[3], name: "k")
      let v = try add(.matMul(MatMul(activation: .gelu)), tokens, weights[4], name: "v")
      let kt = try add(.transpose(Transpose([0, 2, 1])), k, name: "kt")
      let scores = try add(.matMul(MatMul()), q, kt, name: "scores")
      let shares = try add(.softmax(Softmax()), scores, name: "shares")
      let mixed = try add(.matMul(MatMul()), shares, v, name: "mixed")
      let sum = try add(.binary(Binary(.add)), mixed, tokens, name: "residual")
      let normal = try add(
        .layerNormalization(LayerNormalization()), sum, weights[5], name: "normal")
      let mean = try add(
        .reduce(Reduce(.mean, keepsDimensions: false)), normal, integers([1], "axes"),
        name: "mean")
      let output = try add(.gemm(Gemm()), mean, weights[6], weights[7], name: "output")
      graph.outputs = [output]
      let loss = try graph.addCrossEntropyLoss()
      graph[loss.labels].type = TensorType(.int64, shape: [2])
      graph.outputs = [loss.loss]
      // Labels are no input to differences.
      graph.inputs.removeAll { $0 == loss.labels }
      graph[loss.labels].constant = labels
      var inputs = [random.doubles([2, 3, 6, 6])]
      for shape in shapes { inputs.append(random.doubles(shape)) }
      var differentiated = graph
      differentiated.outputs = try differentiated.addGradients(
        of: loss.loss, withRespectTo: graph.inputs)
      try differentiated.verify()
      let gradients = try reference(differentiated, inputs)
      try expectDifferences(graph, inputs, gradients, "seed \(seed)")
    }
  }
}
