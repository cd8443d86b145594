import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowCompress

/// Allocations that meet a limit of multiply-adds or bytes.
struct CostBudgetTests {
  private static let allocations = ["uniform", "global", "erk", "lamp", "sensitivity"]

  /// Layers of unlike sizes and unlike numbers of positions.
  private func network(_ seed: UInt64) throws -> Graph {
    var generator = SeededGenerator(seed: seed)
    return try syntheticNetwork([
      .convolution(outputs: 32, inputs: 16, kernel: 3),
      .convolution(outputs: 64, inputs: 32, kernel: 1),
      .gemm(outputs: 200, inputs: 100), .depthwise(channels: 16, kernel: 3),
      .matMul(inputs: 64, outputs: 80),
    ]) { i, shape in
      let scale = Float(1 << i)
      return Tensor(
        (0..<shape.elementCount).map { _ in Float.random(in: -scale...scale, using: &generator) },
        shape: shape)
    }
  }

  private func scored(_ graph: Graph) throws -> [ScoredLayer] {
    try LayerSelection().layers(of: graph).compactMap { layer, role in
      guard role == .prunable else { return nil }
      return ScoredLayer(
        layer: layer, units: UnitScores(scores: Scores(magnitudesOf: layer.weight)))
    }
  }

  /// A weight of the layer with most positions, of the least budget that is asked for below.
  private static let granularity = 0.002

  @Test(arguments: allocations, [0.1, 0.3, 0.7])
  func multiplyAddsAreMet(allocation: String, fraction: Double) throws {
    print("seed 11")
    let graph = try network(11)
    let layers = try scored(graph)
    let costs = try LayerCosts.multiplyAdds(
      layers, of: graph, inputShapes: graph.inputs.map { graph[$0].type?.shape ?? [] })
    let whole = costs.total(layers.map { _ in 0 })
    let limit = fraction * whole
    let counts = try Choices.allocation(allocation).dropCounts(
      layers, within: CostBudget(costs: costs, limit: limit))
    // Counted on the masked weights, not on the curves.
    let pruned = graph.pruned(layers, UnstructuredPattern(), dropping: counts)
    let again = try LayerCosts.multiplyAdds(
      layers.map { scored in
        var scored = scored
        scored.layer.weight = pruned[scored.layer.use.value].constant ?? scored.layer.weight
        return scored
      }, of: pruned, inputShapes: graph.inputs.map { graph[$0].type?.shape ?? [] })
    let left = again.total(layers.map { _ in 0 })
    #expect(left <= limit * (1 + 1e-9))
    #expect(left >= limit * (1 - Self.granularity))
  }

  @Test(arguments: allocations)
  func whatNeedsNoPruningIsLeftAlone(allocation: String) throws {
    let graph = try network(12)
    let layers = try scored(graph)
    let costs = LayerCosts.weightsKept(layers)
    let counts = try Choices.allocation(allocation).dropCounts(
      layers, within: CostBudget(costs: costs, limit: 1e9))
    #expect(counts.allSatisfy { $0 == 0 })
  }

  @Test(arguments: allocations)
  func whatIsOutOfReachSaysHowFarItGoes(allocation: String) throws {
    let graph = try network(13)
    let layers = try scored(graph)
    var costs = LayerCosts.weightsKept(layers)
    costs.rest = 1000
    let error = try #require(throws: CompressError.self) {
      try Choices.allocation(allocation).dropCounts(
        layers, within: CostBudget(costs: costs, limit: 500))
    }
    guard case .unreachableTarget = error else {
      Issue.record("found \(error)")
      return
    }
    #expect(error.message.contains("the least"))
  }

  @Test(arguments: [0.0, 0.5, 0.9, 0.99, 0.9999])
  func sensitivityMeetsSparsitiesExactly(sparsity: Double) throws {
    let layers = try scored(try network(14))
    let total = layers.reduce(0) { $0 + $1.layer.count }
    let counts = try SensitivityAllocation().dropCounts(layers, sparsity: sparsity)
    #expect(counts.reduce(0, +) == Rounding.dropCount(sparsity, of: total))
    #expect(zip(counts, layers).allSatisfy { (0...$1.layer.count).contains($0) })
  }

  /// A layer whose errors are ten times as large is pruned less.
  @Test func sensitivityFollowsTheErrorCurves() throws {
    var generator = SeededGenerator(seed: 15)
    let graph = try syntheticNetwork([
      .gemm(outputs: 50, inputs: 40), .gemm(outputs: 50, inputs: 40),
    ]) { _, shape in
      Tensor(
        (0..<shape.elementCount).map { _ in Float.random(in: -1...1, using: &generator) },
        shape: shape)
    }
    var layers = try scored(graph)
    let even = try SensitivityAllocation().dropCounts(layers, sparsity: 0.8)
    let curve = DroppedEnergy.curve(layers[0].units)
    layers[0].errors = DropCurve(
      rising: curve.points.map { DropCurve.Point(dropped: $0.dropped, value: 10 * $0.value) })
    let uneven = try SensitivityAllocation().dropCounts(layers, sparsity: 0.8)
    #expect(abs(even[0] - even[1]) < 200)
    #expect(uneven[0] + 400 < uneven[1])
  }

  @Test(arguments: ["unstructured", "4x1"])
  func droppedEnergyEqualsItsDefinition(pattern: String) throws {
    var generator = SeededGenerator(seed: 16)
    let weight = randomWeights([12, 20], &generator)
    let pattern = try Choices.pattern(pattern)
    let view = WeightView.outputsFirst([12, 20])
    let units = pattern.units(of: Scores(magnitudesOf: weight), view: view)
    let curve = DroppedEnergy.curve(units)
    let scores = (0..<units.count).map { Double(units.scores[$0]) }.sorted()
    let whole = scores.reduce(0) { $0 + $1 * $1 }
    let size = units.weightCount / units.count
    for point in curve.points where point.dropped % size == 0 {
      let dropped = scores.prefix(point.dropped / size).reduce(0) { $0 + $1 * $1 }
      #expect(abs(point.value - dropped / whole) < 1e-9)
    }
  }

  /// The estimate follows the tensors' real storage.
  @Test(arguments: [0.0, 0.3, 0.6, 0.9, 0.98])
  func storedBytesAreThoseOfTheSmallestStorage(sparsity: Double) throws {
    let graph = try network(17)
    let layers = try scored(graph)
    let drops = layers.map { Rounding.dropCount(sparsity, of: $0.layer.count) }
    let stored = { (graph: Graph) in
      layers.reduce(0) {
        $0 + (graph[$1.layer.use.value].constant?.smallestStorage().storedByteCount ?? 0)
      }
    }
    let costs = LayerCosts.fileSize(layers, whole: stored(graph), blockShape: nil)
    let real = stored(graph.pruned(layers, UnstructuredPattern(), dropping: drops))
    // Deflated masks are smaller: an eighth of a byte a weight at most.
    let weights = layers.reduce(0) { $0 + $1.layer.count }
    let difference = Double(real) - costs.total(drops)
    #expect(difference >= -0.02 * Double(real) && difference <= Double(weights) / 8)
  }
}
