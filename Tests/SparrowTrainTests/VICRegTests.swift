import Foundation
import SparrowCore
import SparrowRuntime
import SparrowTestSupport
import Testing

@testable import SparrowTrain

/// The loss of two views, in float64, against its formula and central differences.
struct VICRegTests {
  /// Of 1 + the gradient's magnitude; the loss's parts weigh up to 25.
  private let tolerance = 1e-6
  private let loss = TrainingLoss(.vicReg())

  private func constants(_ network: TrainingGraph) throws -> [Tensor] {
    try (network.parameters + network.statistics + network.secondStatistics).map {
      try #require(network.source[$0.value].constant)
    }
  }

  private func spread(_ z: [[Double]]) -> (hinge: Double, covariance: Double) {
    let (count, width) = (z.count, z[0].count)
    let means = (0..<width).map { d in z.reduce(0.0) { $0 + $1[d] } / Double(count) }
    func covariance(_ i: Int, _ j: Int) -> Double {
      z.reduce(0.0) { $0 + ($1[i] - means[i]) * ($1[j] - means[j]) } / Double(count - 1)
    }
    var (hinge, sum) = (0.0, 0.0)
    for i in 0..<width {
      hinge += max(0, 1 - (covariance(i, i) + 1e-4).squareRoot()) / Double(width)
      for j in 0..<width where j != i {
        sum += covariance(i, j) * covariance(i, j) / Double(width)
      }
    }
    return (hinge, sum)
  }

  @Test(arguments: [VICReg(), VICReg(invariance: 3, variance: 0.5, covariance: 7)])
  func valueIsTheFormula(_ weights: VICReg) throws {
    let graph = try Small.mlp([4, 6, 5], dtype: .float64, seed: 8)
    let network = try TrainingGraph(
      graph, inputShapes: [[7, 4]], loss: TrainingLoss(.vicReg(weights)))
    #expect(network.takesTwoViews && network.targetType == nil && network.inputCount == 1)
    var random = SeededGenerator(seed: 9)
    let views = (0..<2).map { _ in Small.normal(.float64, [7, 4], &random) }
    let outputs = try Session(network.graph).run(views + (try constants(network)))
    let plain = try Session(graph)
    let embeddings = try views.map { view in
      let flat = try plain.run([view])[0].doubles
      return (0..<7).map { Array(flat[$0 * 5..<($0 + 1) * 5]) }
    }
    var distance = 0.0
    for (a, b) in zip(embeddings[0].joined(), embeddings[1].joined()) {
      distance += (a - b) * (a - b) / 35
    }
    let (a, b) = (spread(embeddings[0]), spread(embeddings[1]))
    let expected =
      weights.invariance * distance + weights.variance * (a.hinge + b.hinge) / 2
      + weights.covariance * (a.covariance + b.covariance)
    #expect(a.hinge > 0)
    #expect(abs(outputs[0].doubles[0] - expected) < 1e-11 * abs(expected))
    #expect(outputs[1].doubles == embeddings[0].flatMap { $0 })
  }

  @Test(arguments: [0, 1, 2]) func gradientsAreDifferences(_ kind: Int) throws {
    let graph =
      switch kind {
      case 0: try Small.mlp([4, 5, 3], dtype: .float64, seed: 5)
      case 1: try Small.convolutional(dtype: .float64, seed: 6)
      default: try Small.gated(dtype: .float64, seed: 7)
      }
    let shape = kind == 0 ? [6, 4] : [6, 2, 4, 4]
    let network = try TrainingGraph(graph, inputShapes: [shape], loss: loss)
    var random = SeededGenerator(seed: 31)
    let views = (0..<2).map { _ in Small.normal(.float64, shape, &random) }
    let values = try constants(network)
    let session = try Session(network.graph)
    let outputs = try session.run(views + values)
    let statistics = network.statistics.count + network.secondStatistics.count
    #expect(outputs.count == 2 + statistics + network.parameters.count)
    try CentralDifferences(session: session, network: network, inputs: views, constants: values)
      .check(Array(outputs[(2 + statistics)...]), tolerance: tolerance, seed: 31)
  }

  /// The second stream is the network without gates, normalised by its own batch.
  @Test func secondStreamIsDense() throws {
    let graph = try Small.gated(dtype: .float64)
    let network = try TrainingGraph(graph, inputShapes: [[5, 2, 4, 4]], loss: loss)
    #expect(network.statistics.count == 6 && network.secondStatistics.count == 4)
    var random = SeededGenerator(seed: 40)
    let views = (0..<2).map { _ in Small.normal(.float64, [5, 2, 4, 4], &random) }
    let outputs = try Session(network.graph).run(views + (try constants(network)))
    // Each stream by itself, as a network that learns something else.
    let alone = [graph, graph.withoutGates()]
    for (i, statistics) in [network.statistics, network.secondStatistics].enumerated() {
      let single = try TrainingGraph(
        alone[i], inputShapes: [[5, 2, 4, 4]], loss: TrainingLoss(.meanSquaredError))
      #expect(single.statistics.map { $0.name } == statistics.map { $0.name })
      let inputs = [views[i], Tensor([Double](repeating: 0, count: 20), shape: [5, 4])]
      let results = try Session(single.graph).run(inputs + (try constants(single)))
      let first = 2 + (i == 0 ? 0 : network.statistics.count)
      for k in statistics.indices {
        for (a, b) in zip(outputs[first + k].doubles, results[2 + k].doubles) {
          #expect(abs(a - b) < 1e-12, "stream \(i), \(statistics[k].name)")
        }
      }
    }
  }

  @Test func denseNetworkIsExportedWithItsStatistics() throws {
    let graph = try Small.gated()
    let network = try TrainingGraph(graph, inputShapes: [[4, 2, 4, 4]], loss: loss)
    let values = try network.parameters.map { try #require(graph[$0.value].constant) }
    let twos = network.secondStatistics.map {
      Tensor([Float](repeating: 2, count: $0.count), shape: $0.shape)
    }
    let dense = try #require(network.exportedSecond(parameters: values, statistics: twos))
    #expect(!dense.hasChannelGates && graph.hasChannelGates)
    #expect(dense.tensors.keys.allSatisfy { !$0.contains("gate") && $0 != "zero" })
    #expect(dense.tensors["bn2.3"]?.doubles == [2, 2, 2, 2])
    #expect(dense.tensors["conv1.weight"] == graph.tensors["conv1.weight"])
    let images = Tensor([Float](repeating: 0.5, count: 32), shape: [1, 2, 4, 4])
    #expect(try Session(dense).run([images])[0].shape == [1, 4])
    // Without gates there is nothing to take out.
    let plain = try TrainingGraph(
      try Small.convolutional(), inputShapes: [[4, 2, 4, 4]], loss: loss)
    let own = try (plain.parameters + plain.secondStatistics).map {
      try #require(plain.source[$0.value].constant)
    }
    let count = plain.parameters.count
    #expect(
      plain.exportedSecond(
        parameters: Array(own.prefix(count)), statistics: Array(own.dropFirst(count))) == nil)
  }

  @Test func whatItCannotCompareIsAnError() throws {
    for shapes in [[[1, 4]], [[3, 4]]] {
      var graph = try Small.mlp([4, 3])
      if shapes[0][0] == 3 {
        graph.outputs = [
          try graph.add(
            .reduce(Reduce(.mean, keepsDimensions: false)), [graph.outputs[0]], name: "mean")
        ]
      }
      #expect(throws: TrainError.self) {
        _ = try TrainingGraph(graph, inputShapes: shapes, loss: loss)
      }
    }
    var settings = TrainingSettings(loss: TrainingLoss(.vicReg(), distillation: Distillation()))
    #expect(throws: TrainError.self) { try settings.check() }
    settings.loss = TrainingLoss(.vicReg(VICReg(invariance: -1)))
    #expect(throws: TrainError.self) { try settings.check() }
  }
}
