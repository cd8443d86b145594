import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowCompress

@Suite struct SynapticFlowTests {
  /// Two convolutions with batch normalisation, biases and clamps, and a classifier.
  private func network(seed: UInt64) throws -> Graph {
    var random = SeededGenerator(seed: seed)
    var graph = Graph(name: "net")
    func constant(_ name: String, _ shape: [Int], in range: ClosedRange<Float> = -1...1)
      -> ValueID
    {
      graph.addConstant(
        name,
        Tensor(
          (0..<shape.elementCount).map { _ in Float.random(in: range, using: &random) },
          shape: shape))
    }
    let x = graph.addInput(
      "x", TensorType(.float32, [.symbol("n"), .known(3), .known(6), .known(6)]))
    let w0 = constant("w0", [4, 3, 3, 3])
    let b0 = constant("b0", [4])
    let first = try graph.add(.conv(Conv(activation: .relu)), [x, w0, b0], name: "conv0")
    let scale = constant("scale", [4])
    let shift = constant("shift", [4])
    let mean = constant("mean", [4])
    let variance = constant("variance", [4], in: 0.5...2)
    let normal = try graph.add(
      .batchNormalization(BatchNormalization()), [first, scale, shift, mean, variance],
      name: "norm")
    let clipped = try graph.add(
      .clip(Clip()),
      [
        normal, graph.addConstant("low", Tensor(scalar: Float(0))),
        graph.addConstant("high", Tensor(scalar: Float(6))),
      ], name: "clip")
    let w1 = constant("w1", [5, 4, 2, 2])
    let second = try graph.add(
      .conv(Conv(window: Window(strides: [2, 2]))), [clipped, w1], name: "conv1")
    let gate = try graph.add(.unary(Unary(.hardSwish)), [second], name: "gate")
    let pooled = try graph.add(.globalPool(GlobalPool(.average)), [gate], name: "pool")
    let flat = try graph.add(.flatten(Flatten()), [pooled], name: "flat")
    let w2 = constant("w2", [3, 5])
    let b2 = constant("b2", [3])
    let scores = try graph.add(.gemm(Gemm(transposesB: true)), [flat, w2, b2], name: "scores")
    graph.outputs = [try graph.add(.softmax(Softmax()), [scores], name: "y")]
    return graph
  }

  private func layers(_ graph: Graph) -> [Layer] {
    graph.weights().enumerated().map { i, use in
      Layer(
        name: graph[use.value].name, node: "", use: use,
        weight: graph[use.value].constant ?? Tensor([Float]()), isFirst: i == 0, isLast: i == 2)
    }
  }

  /// Every path crosses every layer once, so that each layer's saliencies sum to the flow.
  @Test(arguments: [UInt64(1), 2]) func saliencyIsConserved(seed: UInt64) throws {
    let graph = try network(seed: seed)
    let layers = layers(graph)
    let flow = try SynapticFlow(graph, layers, sample: nil, threads: 1)
    let weights = layers.map { layer in
      Tensor((layer.weight.floats ?? []).map { abs($0) }, shape: layer.weight.shape)
    }
    let (total, saliencies) = try flow.saliencies(weights)
    #expect(total > 0)
    for saliency in saliencies {
      let sum = saliency.reduce(0.0) { $0 + Double($1) }
      #expect(abs(sum - total) < 1e-5 * total, "seed \(seed)")
    }
  }

  /// Networks of chains of products: the flow by hand.
  @Test func flowOfAChain() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [.unknown, .known(2)]))
    let a = graph.addConstant("a", Tensor([Float(1), -2, 0.5, 3], shape: [2, 2]))
    let b = graph.addConstant("b", Tensor([Float(-1), 4], shape: [2, 1]))
    let inner = try graph.add(.matMul(MatMul(activation: .relu)), [x, a], name: "inner")
    graph.outputs = [try graph.add(.matMul(MatMul()), [inner, b], name: "y")]
    let layers = layers(graph)
    let flow = try SynapticFlow(graph, layers, sample: nil, threads: 1)
    let (total, saliencies) = try flow.saliencies([
      Tensor([Float(1), 2, 0.5, 3], shape: [2, 2]), Tensor([Float(1), 4], shape: [2, 1]),
    ])
    #expect(total == 21.5)
    #expect(saliencies == [[1, 8, 0.5, 12], [1.5, 20]])
  }

  /// The removal order by one threshold gives the asked sparsity, and no layer is cut off.
  @Test func masksOfManyRoundsKeepAPath() throws {
    let graph = try network(seed: 3)
    let layers = layers(graph)
    let flow = try SynapticFlow(graph, layers, sample: nil, threads: 1)
    let sparsity = 0.9
    let order = try flow.removalOrder(sparsity: sparsity, rounds: 100)
    let stay = order.map { $0.filter { $0 > 100 }.count }
    let total = layers.reduce(0) { $0 + $1.count }
    #expect(stay.reduce(0, +) == total - Int((sparsity * Double(total)).rounded()))
    let units = order.map { UnitScores(scores: Scores($0)) }
    let scored = zip(layers, units).map { ScoredLayer(layer: $0, units: $1) }
    let counts = try GlobalAllocation().dropCounts(scored, sparsity: sparsity)
    #expect(counts == zip(layers, stay).map { $0.count - $1 })
    let weights = zip(layers, order).map { layer, order in
      Tensor(
        zip(layer.weight.floats ?? [], order).map { $1 > 100 ? abs($0) : 0 },
        shape: layer.weight.shape)
    }
    #expect(try flow.saliencies(weights).flow > 0)
    #expect(stay.allSatisfy { $0 > 0 })
  }
}
