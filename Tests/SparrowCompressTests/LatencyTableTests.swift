import Foundation
import SparrowCore
import SparrowRuntime
import SparrowTestSupport
import Testing

@testable import SparrowCompress

/// What a table says, not how long things take.
struct LatencyTableTests {
  private func table() throws -> (table: LatencyTable, layers: [ScoredLayer], graph: Graph) {
    var generator = SeededGenerator(seed: 21)
    let graph = try syntheticNetwork([
      .gemm(outputs: 64, inputs: 96), .depthwise(channels: 8, kernel: 3),
      .matMul(inputs: 64, outputs: 64),
    ]) { _, shape in randomWeights(shape, &generator) }
    let layers = try LayerSelection().layers(of: graph).compactMap { layer, role in
      role == .prunable
        ? ScoredLayer(
          layer: layer, units: UnitScores(scores: Scores(magnitudesOf: layer.weight))) : nil
    }
    let inputs = graph.inputs.map { id in
      let shape = graph[id].type?.shape ?? []
      return Tensor([Float](repeating: 0.5, count: shape.elementCount), shape: shape)
    }
    var meter = try LatencyMeter(TargetMeasures(inputs: inputs), graph)
    meter.seconds = 0
    let table = try LatencyTable(
      of: layers, in: graph, pattern: UnstructuredPattern(), meter: meter, progress: { _ in })
    return (table, layers, graph)
  }

  @Test func timesNeverRiseAndAddUp() throws {
    let (table, layers, _) = try table()
    #expect(table.layers.map { $0.name } == ["w0", "w2"])
    for row in table.layers {
      #expect(row.dropped.first == 0 && row.dropped.count == LatencyTable.sparsities.count)
      #expect(zip(row.milliseconds, row.milliseconds.dropFirst()).allSatisfy { $0 >= $1 })
      #expect(row.milliseconds.allSatisfy { $0 > 0 })
    }
    let costs = table.costs
    #expect(abs(costs.total(layers.map { _ in 0 }) - table.whole) <= 1e-9 * table.whole)
    #expect(costs.rest > 0)
    let data = try JSONEncoder().encode(table)
    #expect(try JSONDecoder().decode(LatencyTable.self, from: data) == table)
    #expect(table.fits(layers, pattern: "unstructured", threads: 1))
    #expect(!table.fits(layers, pattern: "1x4", threads: 1))
    #expect(!table.fits(layers, pattern: "unstructured", threads: 2))
    #expect(!table.fits(layers.reversed(), pattern: "unstructured", threads: 1))
  }

  /// The same table gives the same numbers of weights.
  @Test func allocationFollowsTheTable() throws {
    let (_, layers, _) = try table()
    let rows = layers.map { scored in
      LatencyTable.Row(
        name: scored.layer.name, weights: scored.layer.count,
        times: [0.0, 0.5, 1.0].map {
          (Int($0 * Double(scored.layer.count)), 2 - $0 * 1.5)
        })
    }
    let table = LatencyTable(
      threads: 1, pattern: "unstructured", whole: 5, rest: 1, layers: rows)
    let budget = CostBudget(costs: table.costs, limit: 3)
    for allocation in ["uniform", "sensitivity"] {
      let choice = try Choices.allocation(allocation)
      let counts = try choice.dropCounts(layers, within: budget)
      #expect(try choice.dropCounts(layers, within: budget) == counts)
      #expect(budget.costs.total(counts) <= 3 + 1e-9)
      #expect(budget.costs.total(counts) >= 2.99)
    }
  }
}
