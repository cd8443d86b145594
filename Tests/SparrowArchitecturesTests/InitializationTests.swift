import SparrowCore
import SparrowPasses
import SparrowRuntime
import Testing

@testable import SparrowArchitectures

struct InitializationTests {
  /// Sample moments of n numbers stray by a few standard errors at most.
  static let standardErrors = 5.0

  static let kinds: [(Initialization, variance: Double)] = [
    (.normal(deviation: 0.02), 0.0004), (.kaimingNormal(.inputs), 2 / 216.0),
    (.kaimingNormal(.outputs), 2 / 576.0), (.kaimingNormal(.groupOutputs(groups: 8)), 2 / 72.0),
    (.uniformFanIn, 1 / 648.0), (.uniform(bound: 0.3), 0.03),
  ]

  @Test(arguments: kinds)
  func variance(_ initialization: Initialization, _ expected: Double) throws {
    var b = NetworkBuilder("test", values: .drawn(seed: 3))
    let id = try b.parameter("conv.weight", [64, 24, 3, 3], initialization)
    let values = try #require(b.graph[id].constant).doubles
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
    #expect(abs(mean) < Self.standardErrors * (expected / n).squareRoot())
    #expect(abs(variance / expected - 1) < Self.standardErrors * (2 / n).squareRoot())
  }

  @Test func uniformStaysInsideItsBound() throws {
    var b = NetworkBuilder("test", values: .drawn(seed: 4))
    let id = try b.parameter("fc.weight", [50, 100], .uniformFanIn)
    let values = try #require(b.graph[id].constant?.floats)
    #expect(values.allSatisfy { abs($0) <= 0.1 })
    #expect(values.contains { $0 > 0.099 } && values.contains { $0 < -0.099 })
  }

  @Test func paddingTokenIsZero() throws {
    let graph = try Architecture.bertTiny.graph()
    let words = try #require(
      graph.values.first { $0.name == "bert.embeddings.word_embeddings.weight" }?.constant?.floats)
    #expect(words.prefix(128).allSatisfy { $0 == 0 })
    #expect(words.dropFirst(128).prefix(128).allSatisfy { $0 != 0 })
  }

  /// A layer before a ReLU that starts normal by fan-in gives outputs of twice the mean square of its
  /// inputs, layer after layer. (He et al. 2015, equation 8.)
  @Test(arguments: [1, 2])
  func varianceIsKeptThroughReLU(seed: UInt64) throws {
    var b = NetworkBuilder("deep", values: .drawn(seed: seed))
    var x = try b.image([256])
    var layers: [ValueID] = []
    for i in 0..<6 {
      let form = LinearForm(weight: .kaimingNormal(.inputs), bias: .constant(0))
      x = try b.linear("fc\(i)", x, outputs: 256, form)
      layers.append(x)
      x = try b.nonlinearity("relu\(i)", x, .relu)
    }
    var graph = try b.finish(x)
    graph.outputs = layers
    var random = ParameterRandom(name: "input", seed: seed)
    let input = Tensor(of: Float.self, shape: [64, 256]) { random.fillNormal($0, deviation: 1) }
    for output in try Session(graph, options: SessionOptions(threads: 1)).run([input]) {
      let values = try #require(output.floats)
      let square = values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)
      #expect((1.4...2.8).contains(square), "seed \(seed): \(square), expected near 2")
    }
  }

  @Test func seedAndNameDecideEveryParameter() throws {
    let small = try Architecture.resNet20.graph(ArchitectureSettings(classes: 10, seed: 5))
    let again = try Architecture.resNet20.graph(ArchitectureSettings(classes: 10, seed: 5))
    let wide = try Architecture.resNet20.graph(ArchitectureSettings(classes: 100, seed: 5))
    let other = try Architecture.resNet20.graph(ArchitectureSettings(classes: 10, seed: 6))
    func weights(_ graph: Graph) -> [String: Tensor] {
      Dictionary(
        uniqueKeysWithValues: graph.values.compactMap { value in
          value.constant.map { (value.name, $0) }
        })
    }
    let first = weights(small)
    #expect(first == weights(again))
    for (name, tensor) in weights(wide) where !name.hasPrefix("fc.") {
      #expect(first[name] == tensor, "\(name)")
    }
    #expect(first["conv1.weight"] != weights(other)["conv1.weight"])
    #expect(first["layer1.0.conv1.weight"] != first["layer1.0.conv2.weight"])
  }

  @Test func lastNormOfAResidualBlockStartsSilent() throws {
    let graph = try Architecture.fbNetV3A.graph(
      ArchitectureSettings(inputShape: [3, 64, 64], width: 0.5))
    func scale(_ block: String) -> Float? {
      graph.values.first { $0.name == "backbone.stages.\(block).pwl.bn.weight" }?.constant?.floats?
        .first
    }
    #expect(scale("xif2_0") == 1)
    #expect(scale("xif2_1") == 0)
  }
}
