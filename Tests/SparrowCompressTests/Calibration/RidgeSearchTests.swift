import SparrowCore
import SparrowRuntime
import SparrowTestSupport
import Testing

@testable import SparrowCompress

/// How strongly weights are held where nothing says so.
struct RidgeSearchTests {
  private static let (columns, outputs) = (48, 12)

  /// One layer, and inputs that vary in few directions more than in others.
  private func layer(_ generator: inout SeededGenerator) throws -> Graph {
    var graph = Graph(name: "layer")
    let x = graph.addInput("x", TensorType(.float32, [.symbol("n"), .known(Self.columns)]))
    let w = graph.addConstant(
      "w",
      Tensor(
        (0..<Self.columns * Self.outputs).map { _ in Float.random(in: -1...1, using: &generator) },
        shape: [Self.columns, Self.outputs]))
    graph.outputs = [try graph.add(.matMul(MatMul()), [x, w], name: "y")]
    return graph
  }

  private func samples(_ count: Int, _ generator: inout SeededGenerator) -> Tensor {
    let directions = (0..<8).map { i in (0..<Self.columns).map { Float(($0 * (i + 3)) % 7) - 3 } }
    var values: [Float] = []
    for _ in 0..<count {
      let amounts = directions.map { _ in Float.random(in: -1...1, using: &generator) }
      for c in 0..<Self.columns {
        let common = zip(directions, amounts).reduce(Float(0)) { $0 + $1.0[c] * $1.1 }
        values.append(common + Float.random(in: -1...1, using: &generator))
      }
    }
    return Tensor(values, shape: [count, Self.columns])
  }

  private func error(_ graph: Graph, _ data: Tensor, ridge: Double?, _ fresh: Tensor) throws
    -> Double
  {
    let step = PruneStep(sparsity: 0.5, allocation: "uniform", repair: ["least-squares"])
    let recipe = Recipe(
      steps: [.prune(step)], calibration: CalibrationSettings(batch: 8, ridge: ridge))
    let result = try Compression(recipe).run(
      on: graph, calibration: CalibrationRun(TensorData([data]), threads: 1))
    let wanted = try Session(graph).run([fresh])[0].array(of: Float.self)
    let found = try Session(result.graph).run([fresh])[0].array(of: Float.self)
    return zip(wanted, found).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func fewSamplesHoldWeightsMore(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let graph = try layer(&generator)
    let (data, fresh) = (samples(32, &generator), samples(512, &generator))
    let found = try error(graph, data, ridge: nil, fresh)
    let usual = try error(graph, data, ridge: RidgeSearch.usual, fresh)
    #expect(found < 0.95 * usual, "\(found) \(usual)")
  }

  @Test func manySamplesHardlyHoldThem() throws {
    var generator = SeededGenerator(seed: 4)
    let graph = try layer(&generator)
    let (data, fresh) = (samples(4096, &generator), samples(512, &generator))
    let found = try error(graph, data, ridge: nil, fresh)
    let tight = try error(graph, data, ridge: 1e-5, fresh)
    let loose = try error(graph, data, ridge: 1, fresh)
    #expect(found < 1.02 * tight && found < 0.9 * loose, "\(found) \(tight) \(loose)")
  }
}
