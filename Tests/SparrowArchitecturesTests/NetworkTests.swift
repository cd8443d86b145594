import SparrowCore
import SparrowFormats
import SparrowPasses
import SparrowRuntime
import SparrowTestSupport
import Testing

@testable import SparrowArchitectures

struct NetworkTests {
  /// Small enough to run, every family.
  static let small: [(Architecture, ArchitectureSettings)] = [
    (.mlp, .init(classes: 3, inputShape: [2, 4])), (.leNet300, .init()), (.leNet5, .init()),
    (.vgg11, .init(classes: 4, inputShape: [3, 224, 224], width: 0.05)),
    (.vgg16Small, .init(inputShape: [1, 28, 28], width: 0.1)),
    (.resNet18, .init(classes: 5, inputShape: [3, 48, 40], width: 0.25)),
    (.resNet50, .init(classes: 5, inputShape: [3, 33, 33], width: 0.125)),
    (.resNet20, .init(inputShape: [1, 28, 28])), (.resNet18Small, .init(width: 0.125)),
    (.resNet8Gated, .init(classes: 12, inputShape: [1, 12, 14], width: 0.5)),
    (.resNet14Expanded, .init(classes: 6, inputShape: [1, 8, 8], width: 0.25)),
    (.mobileNetV1, .init(inputShape: [3, 40, 40], width: 0.25)),
    (.mobileNetV2, .init(inputShape: [3, 40, 40], width: 0.35)),
    (.efficientNetLite1, .init(inputShape: [3, 45, 52], width: 0.25)),
    (.mobileNetV1Small, .init(inputShape: [1, 28, 28], width: 0.25)),
    (.mobileNetV2Small, .init(inputShape: [1, 28, 28], width: 0.35)),
    (.fbNetV3BSmall, .init(inputShape: [1, 28, 28], width: 0.5)),
    (.fbNetV3C, .init(inputShape: [3, 72, 72], width: 0.5)), (.bertTiny, tiny),
  ]

  static var tiny: ArchitectureSettings {
    var settings = ArchitectureSettings(classes: 3)
    (settings.vocabulary, settings.hidden, settings.heads) = (50, [24], 3)
    return settings
  }

  /// Random inputs for a graph, its open dimensions 2 (batch) and 7 (sequence).
  static func inputs(_ graph: Graph, seed: UInt64) -> [Tensor] {
    var random = ParameterRandom(name: "inputs", seed: seed)
    return graph.inputs.map { id in
      let type = graph[id].type ?? TensorType(.float32, [])
      let shape = (type.dimensions ?? []).map { $0.value ?? ($0 == .symbol("batch") ? 2 : 7) }
      if type.dtype == .int64 {
        let isMask = graph[id].name == "attention_mask"
        let isIDs = graph[id].name == "input_ids"
        let values = (0..<shape.elementCount).map { i in
          isIDs ? Int64(i * 7 % 50) : isMask ? (i == shape.elementCount - 1 ? 0 : 1) : Int64(i % 2)
        }
        return Tensor(values, shape: shape)
      }
      return Tensor(of: Float.self, shape: shape) { random.fillNormal($0, deviation: 1) }
    }
  }

  @Test(arguments: small.indices)
  func runsAndSurvivesOptimisationAndONNX(_ i: Int) throws {
    let (architecture, settings) = Self.small[i]
    let graph = try architecture.graph(settings)
    let inputs = Self.inputs(graph, seed: 11)
    let plain = try Session(graph, options: SessionOptions(threads: 1)).run(inputs)
    #expect(plain[0].shape == [2, settings.classes ?? architecture.facts.classes])
    let scores = try #require(plain[0].floats)
    #expect(scores.allSatisfy { $0.isFinite } && Set(scores).count > 1)

    var optimised = graph
    try PassDriver(pipeline: .deployment, options: PassOptions()).run(&optimised)
    let fast = try Session(optimised, options: SessionOptions(threads: 1)).run(inputs)
    expectClose(fast[0], plain[0], "\(architecture.name) optimised")

    let folder = try TemporaryFolder()
    let path = folder.path("model.onnx")
    try ONNX.write(graph, to: path)
    let read = try ONNX.read(path)
    let back = try Session(read, options: SessionOptions(threads: 1)).run(inputs)
    #expect(back[0] == plain[0], "\(architecture.name) through ONNX")
    #expect(constants(read) == constants(graph))
    #expect(read.nodes.count == graph.nodes.count)
  }

  private func constants(_ graph: Graph) -> [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: graph.values.compactMap { value in
        value.constant.map { (value.name, $0) }
      })
  }

  private func expectClose(_ a: Tensor, _ b: Tensor, _ what: String) {
    let (x, y) = (a.floats ?? [], b.floats ?? [])
    #expect(x.count == y.count)
    let largest = y.reduce(0) { max($0, abs($1)) }
    let difference = zip(x, y).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
    #expect(difference <= 1e-4 * largest, "\(what): \(difference) of \(largest)")
  }

  @Test func batchNormStaysByItself() throws {
    let graph = try Architecture.resNet20.graph()
    let norms = graph.nodes.filter { if case .batchNormalization = $0.op { true } else { false } }
    let convolutions = graph.nodes.filter { if case .conv = $0.op { true } else { false } }
    #expect(norms.count == convolutions.count)
    #expect(convolutions.allSatisfy { $0.inputs.count == 2 })
  }

  /// Gates start open for images as they are, and the dense network has the same other parameters.
  @Test func gatesStartOpen() throws {
    var graph = try Architecture.resNet14Gated.graph(.init(inputShape: [1, 16, 16], width: 0.5))
    let dense = try Architecture.resNet14Expanded.graph(.init(inputShape: [1, 16, 16], width: 0.5))
    let others = constants(graph).filter { !$0.key.contains("gate") && $0.value.rank > 0 }
    #expect(others == constants(dense).filter { $0.value.rank > 0 })
    #expect(graph[graph.outputs[0]].name == "embedding")
    #expect(graph.values.contains { $0.name == "features" })
    let gates = graph.nodes.filter { if case .where = $0.op { true } else { false } }
    #expect(gates.count == 6)
    graph.outputs = gates.compactMap { $0.input(0) }
    graph.removeDeadNodes()
    let open = try Session(graph).run(Self.inputs(graph, seed: 3)).map { $0.doubles }.joined()
    #expect(open.count { $0 != 0 } * 10 > open.count * 8)
  }

  @Test func maskedTokensDoNotMatter() throws {
    let graph = try Architecture.bertTiny.graph(Self.tiny)
    let session = try Session(graph, options: SessionOptions(threads: 1))
    let mask = Tensor([1, 1, 1, 0, 0] as [Int64], shape: [1, 5])
    let types = Tensor([0, 0, 0, 0, 0] as [Int64], shape: [1, 5])
    let first = try session.run([Tensor([4, 5, 6, 7, 8] as [Int64], shape: [1, 5]), mask, types])
    let second = try session.run([
      Tensor([4, 5, 6, 30, 31] as [Int64], shape: [1, 5]), mask, types,
    ])
    #expect(first[0] == second[0])
    let third = try session.run([Tensor([4, 9, 6, 7, 8] as [Int64], shape: [1, 5]), mask, types])
    #expect(first[0] != third[0])
  }

  @Test func fixedSequenceHasNoOpenLength() throws {
    var settings = Self.tiny
    settings.inputShape = [16]
    let graph = try Architecture.bertTiny.graph(settings)
    #expect(graph[graph.inputs[0]].type?.text == "i64[batch,16]")
  }

  @Test func namesAreThoseOfStateDicts() throws {
    let wanted: [(Architecture, [String])] = [
      (.resNet18, ["layer2.0.downsample.0.weight", "layer4.1.bn2.running_var", "fc.bias"]),
      (.vgg16, ["features.41.running_mean", "features.40.bias", "classifier.6.weight"]),
      (.mobileNetV1, ["conv_stem.weight", "blocks.3.5.conv_pw.weight", "blocks.4.1.bn2.bias"]),
      (
        .mobileNetV2,
        [
          "features.0.0.weight", "features.1.conv.0.1.running_mean", "features.1.conv.2.weight",
          "features.17.conv.2.weight", "features.17.conv.3.bias", "features.18.1.weight",
          "classifier.1.weight",
        ]
      ),
      (
        .efficientNetLite0,
        [
          "blocks.0.0.conv_dw.weight", "blocks.6.0.conv_pwl.weight", "blocks.5.3.bn3.weight",
          "conv_head.weight", "bn2.running_var", "classifier.bias",
        ]
      ),
      (
        .fbNetV3A,
        [
          "backbone.stages.xif0_0.bn.weight", "backbone.stages.xif3_0.se.se.0.conv.bias",
          "backbone.stages.xif5_6.se.se.1.weight", "backbone.stages.xif6_0.pwl.conv.weight",
          "head.conv.bias",
        ]
      ),
      (
        .bertTiny,
        [
          "bert.encoder.layer.1.attention.output.LayerNorm.weight", "bert.pooler.dense.bias",
          "bert.encoder.layer.0.intermediate.dense.bias",
        ]
      ),
    ]
    for (architecture, names) in wanted {
      var settings = ArchitectureSettings()
      settings.drawsParameters = false
      let known = Set(try architecture.graph(settings).values.map { $0.name })
      for name in names { #expect(known.contains(name), "\(architecture.name): \(name)") }
    }
  }
}
