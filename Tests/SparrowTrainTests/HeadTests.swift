import SparrowCompress
import SparrowCore
import SparrowRuntime
import SparrowTestSupport
import Testing

@testable import SparrowArchitectures
@testable import SparrowTrain

/// Networks with another last layer, and networks cut before it.
struct HeadTests {
  /// Of the same float32 products in another order.
  static let tolerance: Float = 1e-5

  private func scores(_ graph: Graph, _ inputs: [Tensor]) throws -> [Float] {
    try #require(try Session(graph).run(inputs)[0].floats)
  }

  /// Rows of 5 features times the weight `[classes, 5]`, plus the bias.
  private func linear(_ rows: [Float], _ weight: [Float], _ bias: [Float]) -> [Float] {
    var result: [Float] = []
    for n in 0..<rows.count / 5 {
      for c in bias.indices {
        var sum = bias[c]
        for i in 0..<5 { sum += weight[c * 5 + i] * rows[n * 5 + i] }
        result.append(sum)
      }
    }
    return result
  }

  /// The forms that last layers have in files.
  enum Form: String, CaseIterable, CustomTestStringConvertible {
    case gemm, matMulAdd, convolution, softmax
    var testDescription: String { rawValue }
  }

  /// Images [N, 2, 4, 4], pooled features of 5 and a last layer of the form.
  private func network(_ form: Form) throws -> Graph {
    var graph = try Small.convolutional()
    guard form != .gemm else { return graph }
    var random = SeededGenerator(seed: 6)
    let flat = try #require(graph.nodes.first { $0.name == "flat" })
    let (rows, pooled) = (flat.outputs[0], try #require(flat.input(0)))
    switch form {
    case .gemm: break
    case .matMulAdd:
      let weight = graph.addConstant("fc.weight", Small.normal(.float32, [5, 4], &random))
      let bias = graph.addConstant("fc.bias", Small.normal(.float32, [4], &random))
      let product = try graph.add(.matMul(MatMul()), [rows, weight], name: "product")
      graph.outputs = [try graph.add(.binary(Binary(.add)), [product, bias], name: "out")]
    case .convolution:
      let weight = graph.addConstant("fc.weight", Small.normal(.float32, [4, 5, 1, 1], &random))
      let image = try graph.add(.conv(Conv()), [pooled, weight], name: "product")
      graph.outputs = [try graph.add(.flatten(Flatten()), [image], name: "out")]
    case .softmax:
      graph.outputs = [
        try graph.add(.softmax(Softmax(axis: -1)), [graph.outputs[0]], name: "out")
      ]
    }
    graph.removeDeadNodes()
    return graph
  }

  /// The new scores are the drawn layer's of the features, computed apart.
  @Test(arguments: Form.allCases, [3, 77] as [UInt64])
  func theLastLayerIsFresh(_ form: Form, _ seed: UInt64) throws {
    let old = try network(form)
    var graph = old
    let name = try graph.replaceHead(HeadSettings(classes: 7), seed: seed)
    try graph.verify()
    let images = Small.clusters(9, shape: [2, 4, 4]).inputs[0]
    var features = old
    features.outputs = [try #require(old.nodes.first { $0.name == "pool" }?.outputs[0])]
    let rows = try scores(features, [images])
    let weight = Initialization.uniformFanIn.tensor([7, 5], name: "head.weight", seed: seed)
    let bias = Initialization.uniform(bound: 1 / 5.0.squareRoot())
      .tensor([7], name: "head.bias", seed: seed)
    #expect(name == "head.weight" && graph.tensors[name] == weight)
    #expect(graph.tensors["head.bias"] == bias && graph.tensors["fc.weight"] == nil)
    var expected = linear(rows, try #require(weight.floats), try #require(bias.floats))
    let found = try scores(graph, [images])
    if form == .softmax {
      expected = try #require(
        try Softmax(axis: 1).compute(Operands([Tensor(expected, shape: [9, 7])]))[0].floats)
    }
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < Self.tolerance) }
    #expect(
      found.count == expected.count && graph[graph.outputs[0]].name == old[old.outputs[0]].name)
  }

  /// Features named by their value or by their node; images are averaged.
  @Test(arguments: ["relu", "conv", "pool"]) func featuresAreNamed(_ features: String) throws {
    var graph = try network(.gemm)
    let before = graph
    _ = try graph.replaceHead(HeadSettings(classes: 2, features: features), seed: 1)
    var cut = before
    cut.outputs = [try #require(before.nodes.first { $0.name == features }?.outputs[0])]
    let images = Small.clusters(3, shape: [2, 4, 4]).inputs[0]
    let values = try scores(cut, [images])
    let size = values.count / 15
    let means = (0..<15).map { values[$0 * size..<($0 + 1) * size].reduce(0, +) / Float(size) }
    let w = try #require(graph.tensors["head.weight"]?.floats)
    let b = try #require(graph.tensors["head.bias"]?.floats)
    let found = try scores(graph, [images])
    for (x, y) in zip(found, linear(means, w, b)) { #expect(abs(x - y) < Self.tolerance) }
    let isNormalized = graph.nodes.contains { $0.name == "norm" }
    #expect(isNormalized == (features != "conv"))
  }

  @Test func headsThatCannotBeAreErrors() throws {
    func message(_ settings: HeadSettings, _ graph: Graph) -> String {
      var graph = graph
      do throws(TrainError) {
        _ = try graph.replaceHead(settings, seed: 1)
        return "none"
      } catch {
        return error.message
      }
    }
    let graph = try network(.gemm)
    #expect(message(HeadSettings(classes: 0), graph).contains("0 classes, expected 1"))
    #expect(message(HeadSettings(classes: 2, features: "zzz"), graph).contains("no features 'zzz'"))
    #expect(message(HeadSettings(classes: 2, features: "norm.scale"), graph).contains("computed"))
    var joined = Graph(name: "joined")
    let x = joined.addInput("x", TensorType(.float32, [.symbol("n"), .known(3)]))
    let w = joined.addConstant("w", Tensor([Float](repeating: 1, count: 9), shape: [3, 3]))
    let y = try joined.add(.matMul(MatMul()), [x, w], name: "product")
    joined.outputs = [try joined.add(.binary(Binary(.add)), [x, y], name: "sum")]
    #expect(message(HeadSettings(classes: 2), joined).contains("joins 2 values"))
    joined.outputs = [x]
    #expect(message(HeadSettings(classes: 2), joined).contains("no linear layer"))
    #expect(message(HeadSettings(classes: 2, features: "x"), joined) == "none")
  }

  /// Both parts, one after the other, are the network; what is trained of the head ends up in it.
  @Test(arguments: Form.allCases) func cutNetworksAreTheWhole(_ form: Form) throws {
    let graph = try network(form)
    let parts = try FrozenBackbone(graph)
    let images = Small.clusters(8, shape: [2, 4, 4]).inputs[0]
    let features = try Session(parts.backbone).run([images])
    #expect(try scores(parts.head, features) == scores(graph, [images]))
    #expect(parts.head.trainableConstants().count == (form == .convolution ? 1 : 2))
    let data = TensorData(features, labels: (0..<8).map { $0 % 3 })
    let trained = try Trainer(
      parts.head, data: data, settings: TrainingSettings(epochs: 2, batch: 4)
    ).train()
    let whole = parts.network(with: trained.graph)
    #expect(try scores(whole, [images]) == scores(trained.graph, features))
    let (before, after) = (graph.tensors, whole.tensors)
    for name in before.keys {
      let isHead = name.hasPrefix("head") || name.hasPrefix("fc")
      #expect((before[name] == after[name]) == (!isHead || after[name] == before[name]), "\(name)")
      if !isHead { #expect(before[name] == after[name], "\(name) changed") }
    }
    #expect(before != after)
  }

  /// Training on features is training the network with everything but the head constant.
  @Test func frozenBackbonesAreFrozenParameters() throws {
    let graph = try network(.gemm)
    let parts = try FrozenBackbone(graph)
    let data = Small.clusters(24, shape: [2, 4, 4])
    var settings = TrainingSettings(epochs: 3, batch: 8, seed: 4)
    let features = TensorData(try Session(parts.backbone).run(data.inputs), labels: data.labels)
    let apart = try Trainer(parts.head, data: features, settings: settings).train()
    settings.frozen = ["conv*", "norm*"]
    settings.normalization = .frozen
    let whole = try Trainer(graph, data: data, settings: settings).train()
    for name in ["head.weight", "head.bias"] {
      let (a, b) = (
        apart.graph.tensors[name]?.floats ?? [], whole.graph.tensors[name]?.floats ?? []
      )
      #expect(a.count == b.count && !a.isEmpty)
      for (x, y) in zip(a, b) { #expect(abs(x - y) < Self.tolerance) }
    }
  }

  /// The zeros that a network has are those that it has after training all of it for other classes.
  @Test(arguments: [0.5, 0.9]) func masksStayBitByBit(_ sparsity: Double) throws {
    var graph = try network(.gemm)
    _ = try graph.replaceHead(HeadSettings(classes: 4), seed: 2)
    let data = Small.clusters(48, shape: [2, 4, 4], classes: 4)
    var random = SeededGenerator(seed: 8)
    let id = try #require(graph.values.firstIndex { $0.name == "conv.weight" })
    let weight = try #require(graph.values[id].constant)
    graph.values[id].constant = Tensor(
      .float32, weight.shape,
      doubles: weight.doubles.map { Double.random(in: 0..<1, using: &random) < sparsity ? 0 : $0 })
    let result = try Trainer(
      graph, data: data, settings: TrainingSettings(epochs: 5, batch: 8),
      method: FixedMask(selection: LayerSelection(exclude: ["head.weight"]))
    ).train()
    let (before, after) = (graph.tensors, result.graph.tensors)
    #expect(
      before["conv.weight"]?.doubles.map { $0 == 0 }
        == after["conv.weight"]?.doubles.map { $0 == 0 })
    #expect(before["conv.weight"] != after["conv.weight"])
    #expect(after["head.weight"]?.doubles.contains(0) == false)
  }

  @Test func accuracyOfClassesIsTheirMean() {
    var counts = ClassCounts()
    #expect(counts.meanAccuracy == nil)
    for (label, isRight) in [(0, true), (0, true), (0, false), (0, true), (3, false), (3, true)] {
      counts.count(label, isRight: isRight)
    }
    #expect(counts.meanAccuracy == (0.75 + 0.5) / 2)
  }
}
