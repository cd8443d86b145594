import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowCompress

/// Criteria against a loss in plain float64 arithmetic and its central differences.
@Suite struct GradientCriteriaTests {
  /// float32 gradients.
  private static let tolerance = 2e-5
  /// A difference of float32 gradients.
  private static let hessianTolerance = 2e-2

  private func scores(
    _ criterion: any NetworkCriterion, _ tiny: TinyClassifier, threads: Int = 2
  ) throws -> [[Double]] {
    let layers = tiny.layers
    let statistics = try criterion.statistics(of: layers, tiny.context(threads: threads))
    return try layers.map { layer in
      try criterion.scores(of: layer, statistics: statistics[layer.name] ?? LayerStatistics())
        .doubles
    }
  }

  @Test(arguments: [UInt64(1), 2]) func snipAndTaylor(seed: UInt64) throws {
    let tiny = try TinyClassifier(seed: seed)
    let (weights, all) = (tiny.weights, 0..<tiny.sampleCount)
    let gradient = tiny.gradient(all, weights)
    // One sample a gradient, or groups: the mean is the same.
    for settings in [
      GradientSettings(count: 20), GradientSettings(count: 4, groupSize: 5),
      GradientSettings(count: 64, groupSize: 32),
    ] {
      let snip = try scores(SNIPCriterion(gradientSettings: settings), tiny)
      let taylor = try scores(TaylorCriterion(gradientSettings: settings), tiny)
      for i in weights.indices {
        let expected = zip(weights[i], gradient[i]).map { abs($0 * $1) }
        #expect(relativeDifference(snip[i], expected) < Self.tolerance, "seed \(seed)")
        #expect(
          relativeDifference(taylor[i], expected.map { $0 * $0 }) < Self.tolerance, "seed \(seed)")
      }
    }
    let group = TaylorCriterion.groupScore(weights: [1, 2, -3], gradients: [0.5, 1, 0.5])
    #expect(group == 1)
  }

  @Test func diagonalFisher() throws {
    let tiny = try TinyClassifier(seed: 3)
    let weights = tiny.weights
    var squares = weights.map { $0.map { _ in 0.0 } }
    for sample in 0..<tiny.sampleCount {
      for (i, gradient) in tiny.gradient(sample...sample, weights).enumerated() {
        for (j, g) in gradient.enumerated() { squares[i][j] += g * g / Double(tiny.sampleCount) }
      }
    }
    let found = try scores(DiagonalFisherCriterion(), tiny)
    for i in weights.indices {
      let expected = zip(weights[i], squares[i]).map { $0 * $0 * $1 / 2 }
      #expect(relativeDifference(found[i], expected) < Self.tolerance)
    }
  }

  @Test func grasp() throws {
    let tiny = try TinyClassifier(seed: 4)
    let (weights, all) = (tiny.weights, 0..<tiny.sampleCount)
    let gradient = tiny.gradient(all, weights)
    let step = 1e-3
    func moved(_ factor: Double) -> [[Double]] {
      zip(weights, gradient).map { w, g in zip(w, g).map { $0 + factor * $1 } }
    }
    let ahead = tiny.gradient(all, moved(step))
    let behind = tiny.gradient(all, moved(-step))
    let products = weights.indices.map { i in
      weights[i].indices.map { weights[i][$0] * (ahead[i][$0] - behind[i][$0]) / (2 * step) }
    }
    let mean = products.joined().reduce(0) { $0 + abs($1) } / Double(products.joined().count)
    let found = try scores(GraSPCriterion(), tiny)
    for i in weights.indices {
      let expected = products[i].map { $0 / mean }.map { $0 < 0 ? 1 / (1 - $0) : 1 + $0 }
      #expect(relativeDifference(found[i], expected) < Self.hessianTolerance)
    }
    #expect(products.joined().contains { $0 < 0 } && products.joined().contains { $0 > 0 })
  }

  @Test func gradientsDoNotDependOnThreads() throws {
    let tiny = try TinyClassifier(seed: 5)
    for criterion in [
      BlockFisherCriterion(), MFACCriterion(), SNIPCriterion(),
      BlockFisherCriterion(
        gradientSettings: GradientSettings(count: 7, groupSize: 2, blockSize: 5)),
    ] as [any NetworkCriterion] {
      #expect(
        try scores(criterion, tiny, threads: 1) == scores(criterion, tiny, threads: 3),
        "\(criterion.name)")
    }
  }

  @Test func labelsAreWhatTheNetworkPredictsWhereThereAreNone() throws {
    let tiny = try TinyClassifier(seed: 6, withLabels: false)
    let source = try GradientStatistics(CalibrationRun(tiny.data), predictingBy: tiny.graph)
    let expected = (0..<tiny.sampleCount).map { sample in
      let scores = tiny.scores(sample, tiny.weights)
      return scores.firstIndex(of: scores.max() ?? 0)
    }
    #expect(source.labels == expected)
  }

  @Test func randomScoresFollowSeedAndName() throws {
    let layers = try TinyClassifier(seed: 7).layers
    func scores(_ layer: Layer, seed: UInt64) throws -> [Double] {
      try RandomCriterion().seeded(seed).scores(of: layer, statistics: LayerStatistics()).doubles
    }
    let first = try scores(layers[0], seed: 1)
    #expect(try first == scores(layers[0], seed: 1))
    #expect(try first != scores(layers[0], seed: 2))
    #expect(try first.prefix(18) != scores(layers[1], seed: 1).prefix(18))
    #expect(first.allSatisfy { (0..<1).contains($0) } && Set(first).count == first.count)
  }

  @Test func refusals() throws {
    let tiny = try TinyClassifier(seed: 8)
    var context = tiny.context()
    context.calibration = nil
    #expect(throws: CompressError.self) {
      _ = try SNIPCriterion().statistics(of: tiny.layers, context)
    }
    context = tiny.context()
    context.calibration?.memory = 100
    #expect(throws: CompressError.self) {
      _ = try BlockFisherCriterion().statistics(of: tiny.layers, context)
    }
    #expect(throws: CompressError.self) {
      _ = try MFACCriterion().scores(of: tiny.layers[0], statistics: LayerStatistics())
    }
    // No class scores: two axes of positions.
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [.symbol("n"), .known(4), .known(4)]))
    let w = graph.addConstant("w", Tensor([Float](repeating: 1, count: 16), shape: [4, 4]))
    graph.outputs = [try graph.add(.matMul(MatMul()), [x, w], name: "y")]
    let data = TensorData([Tensor([Float](repeating: 1, count: 32), shape: [2, 4, 4])])
    #expect(throws: CompressError.self) {
      _ = try Gradients(
        graph, of: [w], data: data, labels: [0, 1], settings: GradientSettings(count: 2),
        threads: 1)
    }
  }
}
