import Foundation
import SparrowCompress
import SparrowCore
import SparrowRuntime
import SparrowTestSupport
import Testing

@testable import SparrowTrain

/// Channel gates in training: their slopes, what they are to save, and whole runs.
struct GatingTests {
  private let tolerance = 1e-6
  private let shape = [6, 2, 4, 4]

  private func network(_ gating: GatingSettings) throws -> TrainingGraph {
    try TrainingGraph(
      try Small.gated(dtype: .float64), inputShapes: [shape], loss: TrainingLoss(.vicReg()),
      gating: gating)
  }

  /// Two views, noise of the one gate, and p.
  private func batch(_ tightness: Double, seed: UInt64) -> [Tensor] {
    var random = SeededGenerator(seed: seed)
    return (0..<2).map { _ in Small.normal(.float64, shape, &random) }
      + [
        Small.normal(.float64, [6, 3, 1, 1], &random, scale: 1.8),
        Tensor(scalar: tightness),
      ]
  }

  private func constants(_ network: TrainingGraph) throws -> [Tensor] {
    try (network.parameters + network.statistics + network.secondStatistics).map {
      try #require(network.source[$0.value].constant)
    }
  }

  /// Straight-through: the gradient is that of the graph whose hard decisions, and the soft ones that
  /// are taken away from them, stay what they are.
  @Test func gradientsAreThoseOfTheSoftGates() throws {
    let network = try network(GatingSettings(target: 0.3, bounds: 3))
    let (inputs, values) = (batch(0.9, seed: 50), try constants(network))
    var frozen = network.graph
    frozen.outputs = frozen.nodes.flatMap { node -> [ValueID] in
      switch node.op {
      case .cast: node.outputs
      case .bitCast(let op) where op.to == .float64: node.outputs
      default: []
      }
    }
    let held = frozen.outputs
    #expect(held.count >= 2)
    let first = try Session(frozen).run(inputs + values)
    for (id, tensor) in zip(held, first) { frozen[id].constant = tensor }
    frozen.nodes.removeAll { node in node.outputs.contains { held.contains($0) } }
    frozen.outputs = [network.graph.outputs[0]]
    frozen.removeDeadNodes()
    let smooth = try Session(frozen)
    let outputs = try Session(network.graph).run(inputs + values)
    let start = 3 + network.statistics.count + network.secondStatistics.count
    var largest = 0.0
    try CentralDifferences(session: smooth, network: network, inputs: inputs, constants: values)
      .check(Array(outputs[start...]), tolerance: tolerance, seed: 50) { parameter, slope in
        if parameter.name.hasPrefix("gate.conv2") { largest = max(largest, abs(slope)) }
      }
    #expect(largest > 1e-3)
  }

  /// The formulas of ``GatingSettings``, from what the gates decided.
  @Test(arguments: [1.0, 0.6, 0.0]) func penaltyIsTheFormula(_ p: Double) throws {
    let (t, weight, bounds) = (0.3, 5.0, 2.0)
    let network = try network(GatingSettings(target: t, weight: weight, bounds: bounds))
    let free = try self.network(GatingSettings(target: t, weight: 0, bounds: 0))
    let (inputs, values) = (batch(p, seed: 51), try constants(network))
    var graph = network.graph
    graph.outputs += graph.nodes.flatMap { node -> [ValueID] in
      if case .cast = node.op { node.outputs } else { [] }
    }
    let outputs = try Session(graph).run(inputs + values)
    let without = try Session(free.graph).run(inputs + values)
    let open = try #require(outputs.last).doubles
    #expect(open.count == 18 && Set(open).isSubset(of: [0, 1]) && Set(open).count == 2)
    let density = open.reduce(0, +) / 18
    // Multiply-adds of an image: 1x1 from 2 to 4, 3x3 from 4 to 3, and from 3 to 4 channels.
    let (stem, block) = (2.0 * 4 * 16, 2.0 * 9 * 4 * 3 * 16)
    let share = (stem + block * density) / (stem + block)
    #expect(abs(outputs[2].doubles[0] - share) < 1e-12)
    let root = t.squareRoot()
    let low = max(0, p * root - density)
    let high = max(0, density - 1 + p - p * root)
    let expected = weight * (share - t) * (share - t) + bounds * (low * low + high * high)
    #expect(abs(outputs[0].doubles[0] - without[0].doubles[0] - expected) < 1e-9)
    #expect(network.noiseShapes == [[6, 3, 1, 1]])
  }

  @Test func noiseIsLogisticAndFollowsTheSample() {
    let shapes = [[64, 20, 1, 1], [64, 30, 1, 1]]
    let rows = Array(0..<64)
    let all = GateNoise.tensors(shapes, rows, seed: 3, epoch: 2)
    let values = all.flatMap { $0.doubles }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    #expect(abs(mean) < 0.12)
    #expect(abs(variance - Double.pi * Double.pi / 3) < 0.25)
    let some = GateNoise.tensors([[2, 20, 1, 1], [2, 30, 1, 1]], [40, 7], seed: 3, epoch: 2)
    #expect(Array(some[1].doubles[30...]) == Array(all[1].doubles[210..<240]))
    #expect(GateNoise.tensors(shapes, rows, seed: 3, epoch: 3) != all)
    #expect(GateNoise.tensors(shapes, rows, seed: 4, epoch: 2) != all)
  }

  private func settings(_ target: Double, epochs: Int = 30) -> TrainingSettings {
    var settings = TrainingSettings(
      epochs: epochs, batch: 16, seed: 13, loss: TrainingLoss(.vicReg()),
      gating: GatingSettings(target: target, weight: 50, decay: 0.5),
      schedule: LearningRateSchedule(0.02, .cosine()))
    settings.augmentation = Augmentation(crop: 1, flips: true)
    return settings
  }

  private let images = Small.clusters(64, shape: [2, 4, 4])
  private let held = Small.clusters(64, shape: [2, 4, 4], samplesSeed: 8)

  @Test func gatesLearnToSave() throws {
    let unlabelled = TensorData(images.inputs)
    let result = try Trainer(
      try Small.gated(), data: unlabelled, held: held, settings: settings(0.5)
    ).train()
    let last = try #require(result.history.last)
    #expect(abs(try #require(last.macs) - 0.5) < 0.1)
    #expect(abs(try #require(last.test_macs) - 0.5) < 0.25)
    #expect(last.loss < result.history[0].loss)
    #expect(last.accuracy == nil && last.test_loss == nil && last.test_accuracy == nil)
    let dense = try #require(result.dense)
    #expect(dense.tensors["conv1.weight"] == result.graph.tensors["conv1.weight"])
    #expect(dense.tensors["bn2.2"] != result.graph.tensors["bn2.2"])
  }

  /// Without noise, what is left in training is what is left in use.
  @Test func settledGatesAreThoseOfUse() throws {
    var settings = settings(0.5)
    settings.gating?.settling = 0.3
    let result = try Trainer(
      try Small.gated(), data: images, held: images, settings: settings
    ).train()
    let last = try #require(result.history.last)
    #expect(abs(try #require(last.macs) - (try #require(last.test_macs))) < 0.12)
    #expect(settings.gating?.isNoisy(epoch: 20, of: 30) == true)
    #expect(settings.gating?.isNoisy(epoch: 21, of: 30) == false)
  }

  /// With labels there is one stream, and its gates learn too.
  @Test func classesAndGatesTogether() throws {
    var settings = settings(0.4)
    (settings.loss, settings.augmentation) = (TrainingLoss(), Augmentation())
    let result = try Trainer(
      try Small.gated(width: 3), data: images, held: held, settings: settings
    ).train()
    let last = try #require(result.history.last)
    #expect(try #require(last.test_accuracy) > 0.7)
    #expect(abs(try #require(last.macs) - 0.4) < 0.15)
    #expect(result.dense == nil)
  }

  @Test func interruptedRunsEndTheSame() throws {
    let settings = settings(0.5, epochs: 6)
    let whole = try Trainer(
      try Small.gated(), data: images, held: held, settings: settings
    ).train()
    let store = MemoryStore()
    var (result, stops): (TrainingResult?, [Int]) = (nil, [3, 9, 10, 21])
    while result == nil {
      var run = TrainingRun()
      (run.checkpoints, run.checkpointSteps) = (store, 2)
      let stop = stops.isEmpty ? nil : stops.removeFirst()
      var seen = 0
      run.progress = { progress in
        if !progress.endsEpoch { seen = Int((progress.fraction * 24).rounded()) }
      }
      run.isStopped = { stop.map { seen >= $0 } ?? false }
      do {
        result = try Trainer(
          try Small.gated(), data: images, held: held, settings: settings, run: run
        ).train()
      } catch TrainError.stopped {}
    }
    #expect(result?.graph.tensors == whole.graph.tensors)
    #expect(result?.dense?.tensors == whole.dense?.tensors)
    #expect(result?.history.map { $0.macs } == whole.history.map { $0.macs })
    #expect(result?.history.map { $0.test_macs } == whole.history.map { $0.test_macs })
  }

  @Test func settingsOutOfRangeAreErrors() throws {
    var wrong = [
      GatingSettings(target: 0), GatingSettings(target: 1.1), GatingSettings(target: .nan),
    ]
    wrong.append(GatingSettings(target: 0.5, weight: -1))
    wrong.append(GatingSettings(target: 0.5, decay: .infinity))
    wrong.append(GatingSettings(target: 0.5, temperature: 0))
    wrong.append(GatingSettings(target: 0.5, settling: 1.5))
    for gating in wrong {
      #expect(throws: TrainError.self) { try TrainingSettings(gating: gating).check() }
    }
    // A network without gates has nothing to gate.
    #expect(throws: TrainError.self) {
      _ = try TrainingGraph(
        try Small.convolutional(), inputShapes: [[4, 2, 4, 4]], gating: GatingSettings(target: 0.5))
    }
  }
}
