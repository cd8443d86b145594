import Foundation
import SparrowCore
import SparrowRuntime
import SparrowTestSupport
import Testing

@testable import SparrowCompress

/// Compression layer after layer on a small network with a residual connection, batch normalisation,
/// depthwise and linear layers.
struct LayerwiseTests {
  /// Per layer, relative to the weights' largest magnitude.
  private static let tolerance: Float = 2e-3

  private func random(
    _ shape: [Int], _ generator: inout SeededGenerator, _ range: ClosedRange<Float> = -0.5...0.5
  ) -> Tensor {
    Tensor(
      (0..<shape.elementCount).map { _ in Float.random(in: range, using: &generator) }, shape: shape
    )
  }

  private func network(_ generator: inout SeededGenerator) throws -> Graph {
    var graph = Graph(name: "small")
    let x = graph.addInput(
      "x", TensorType(.float32, [.symbol("n"), .known(3), .known(8), .known(8)]))
    func constant(_ name: String, _ shape: [Int], _ range: ClosedRange<Float> = -0.5...0.5)
      -> ValueID
    {
      graph.addConstant(name, random(shape, &generator, range))
    }
    let same = Window(pads: [1, 1, 1, 1])
    let w1 = constant("w1", [8, 3, 3, 3])
    let c1 = try graph.add(.conv(Conv(window: same)), [x, w1], name: "conv1")
    let r1 = try graph.add(.unary(Unary(.relu)), [c1], name: "relu1")
    let (w2, b2) = (constant("w2", [8, 1, 3, 3]), constant("b2", [8]))
    let c2 = try graph.add(.conv(Conv(window: same, group: 8)), [r1, w2, b2], name: "depthwise")
    let r2 = try graph.add(.unary(Unary(.relu)), [c2], name: "relu2")
    let w3 = constant("w3", [8, 8, 1, 1])
    let c3 = try graph.add(.conv(Conv()), [r2, w3], name: "conv3")
    let parameters = [
      constant("gamma", [8], 0.5...1), constant("beta", [8]), constant("mean", [8]),
      constant("variance", [8], 0.5...1),
    ]
    let bn = try graph.add(
      .batchNormalization(BatchNormalization()), [c3] + parameters, name: "bn")
    let sum = try graph.add(.binary(Binary(.add)), [bn, r1], name: "sum")
    let pooled = try graph.add(.globalPool(GlobalPool(.average)), [sum], name: "pool")
    let flat = try graph.add(.flatten(Flatten(axis: 1)), [pooled], name: "flat")
    let (w4, b4) = (constant("w4", [8, 5]), constant("b4", [5]))
    let product = try graph.add(.matMul(MatMul()), [flat, w4], name: "fc")
    graph.outputs = [try graph.add(.binary(Binary(.add)), [product, b4], name: "logits")]
    return graph
  }

  private func compress(
    _ graph: Graph, _ data: TensorData, _ step: PruneStep, memory: Int = 1 << 30,
    journal: (any LayerJournal)? = nil
  ) throws -> CompressionResult {
    let recipe = Recipe(steps: [.prune(step)], calibration: CalibrationSettings(batch: 8))
    return try Compression(recipe).run(
      on: graph, calibration: CalibrationRun(data, threads: 1, memory: memory, journal: journal))
  }

  private func outputs(_ graph: Graph, _ data: TensorData) throws -> [Float] {
    try Session(graph).run(data.batch(0..<data.count))[0].array(of: Float.self)
  }

  private func distance(_ a: [Float], _ b: [Float]) -> Float {
    zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  }

  @Test func nothingDroppedChangesNothing() throws {
    var generator = SeededGenerator(seed: 1)
    let graph = try network(&generator)
    let data = TensorData([random([24, 3, 8, 8], &generator)])
    let step = PruneStep(sparsity: 0, repair: ["least-squares"])
    let result = try compress(graph, data, step)
    let (a, b) = (try outputs(graph, data), try outputs(result.graph, data))
    let scale = a.map { abs($0) }.max() ?? 0
    for (x, y) in zip(a, b) { #expect(abs(x - y) <= Self.tolerance * scale) }
    for outcome in result.outcomes.values {
      #expect(try #require(outcome.errors?.after) < 1e-5, "\(outcome.name)")
    }
  }

  @Test func restoredNormalizationChangesNothing() throws {
    var generator = SeededGenerator(seed: 5)
    let graph = try network(&generator)
    let data = TensorData([random([24, 3, 8, 8], &generator)])
    let restored = try graph.restoringBatchNormalization(
      CalibrationRun(data, threads: 1), CalibrationSettings(samples: 24, batch: 8))
    let norms = restored.nodes.filter {
      if case .batchNormalization = $0.op { true } else { false }
    }
    // conv1 and the depthwise layer; conv3 has its own.
    #expect(norms.count == 3)
    let (a, b) = (try outputs(graph, data), try outputs(restored, data))
    let scale = a.map { abs($0) }.max() ?? 0
    for (x, y) in zip(a, b) { #expect(abs(x - y) <= 1e-5 * scale) }
    // Each one's input has the mean and variance that it is told.
    for node in norms where node.name.hasSuffix(".norm") {
      let (input, mean) = (try #require(node.input(0)), try #require(node.input(3)))
      var part = restored
      part.outputs = [input]
      let means = try #require(part[mean].constant).array(of: Float.self)
      let tensor = try Session(part).run(data.batch(0..<data.count))[0]
      let (values, plane) = (tensor.array(of: Float.self), tensor.shape[2] * tensor.shape[3])
      for (channel, told) in means.enumerated() {
        var sum: Float = 0
        for i in values.indices where i / plane % means.count == channel { sum += values[i] }
        #expect(abs(sum / Float(plane * tensor.shape[0]) - told) < 1e-5)
      }
    }
  }

  @Test(arguments: [
    ("magnitude", ["least-squares"]), ("wanda", ["least-squares"]), ("sparsegpt", ["obs"]),
    ("exact-obs", ["obs"]), ("magnitude", ["mean-variance"]), ("magnitude", ["bias"]),
    ("magnitude", ["adaprune"]),
  ])
  func repairsBringOutputsNearer(criterion: String, repair: [String]) throws {
    var generator = SeededGenerator(seed: 2)
    let graph = try network(&generator)
    let data = TensorData([random([64, 3, 8, 8], &generator)])
    var step = PruneStep(
      sparsity: 0.5, criterion: criterion, allocation: "uniform", repair: ["none"])
    let plain = try compress(graph, data, step)
    step.repair = repair
    let repaired = try compress(graph, data, step)
    let wanted = try outputs(graph, data)
    let before = distance(try outputs(plain.graph, data), wanted)
    let after = distance(try outputs(repaired.graph, data), wanted)
    #expect(after < 0.7 * before, "\(before) -> \(after)")
    for name in ["w1", "w3", "w4"] {
      let weight = try #require(repaired.graph.values.first { $0.name == name }?.constant)
      // Wanda rounds in each output by itself.
      let slack = criterion == "wanda" ? weight.shape.max() ?? 1 : 1
      #expect(abs(weight.count / 2 - (weight.count - weight.nonzeroCount)) <= slack, "\(name)")
      let errors = try #require(repaired.outcomes[name]?.errors)
      if repair != ["mean-variance"] { #expect(errors.after <= errors.before) }
    }
  }

  /// All survivors together end nearer to the whole network's outputs than each layer by itself.
  @Test func globalAdaPruneBringsOutputsNearer() throws {
    var generator = SeededGenerator(seed: 12)
    let graph = try network(&generator)
    let data = TensorData([random([256, 3, 8, 8], &generator)])
    var step = PruneStep(sparsity: 0.8, allocation: "uniform", repair: ["least-squares"])
    let alone = try compress(graph, data, step).graph
    step.repair = ["least-squares", "global-adaprune"]
    let together = try compress(graph, data, step).graph
    let wanted = try outputs(graph, data)
    let before = distance(try outputs(alone, data), wanted)
    let after = distance(try outputs(together, data), wanted)
    #expect(after < before, "\(before) -> \(after)")
    for name in ["w1", "w3", "w4"] {
      let a = try #require(alone.values.first { $0.name == name }?.constant?.floats)
      let b = try #require(together.values.first { $0.name == name }?.constant?.floats)
      #expect(zip(a, b).allSatisfy { ($0 == 0) == ($1 == 0) }, "\(name)")
    }
  }

  @Test func batchNormalisationTakesTheDatasStatistics() throws {
    var generator = SeededGenerator(seed: 9)
    var graph = try network(&generator)
    let data = TensorData([random([16, 3, 8, 8], &generator)])
    let step = PruneStep(sparsity: 0, repair: ["batch-norm"])
    let result = try compress(graph, data, step).graph
    let convolution = try #require(graph.nodes.first { $0.name == "conv3" })
    graph.outputs = convolution.outputs
    graph.removeDeadNodes()
    let values = try outputs(graph, data)
    let mean = try #require(result.values.first { $0.name == "mean" }?.constant?.floats)
    let variance = try #require(result.values.first { $0.name == "variance" }?.constant?.floats)
    for channel in 0..<8 {
      var own: [Float] = []
      for sample in 0..<16 {
        let first = (sample * 8 + channel) * 64
        own += values[first..<first + 64]
      }
      let count = Float(own.count)
      let average: Float = own.reduce(0, +) / count
      let spread: Float = own.map { ($0 - average) * ($0 - average) }.reduce(0, +) / count
      #expect(abs(mean[channel] - average) <= 1e-4)
      #expect(abs(variance[channel] - spread) <= 1e-4)
    }
  }

  /// Activations in files and in memory give the same bytes.
  @Test func spillingChangesNothing() throws {
    var generator = SeededGenerator(seed: 3)
    let graph = try network(&generator)
    let data = TensorData([random([32, 3, 8, 8], &generator)])
    let step = PruneStep(sparsity: 0.6, criterion: "sparsegpt", allocation: "uniform")
    let (inMemory, inFiles) = (
      try compress(graph, data, step), try compress(graph, data, step, memory: 1)
    )
    for (a, b) in zip(inMemory.graph.values, inFiles.graph.values) {
      #expect(a.constant == b.constant)
    }
  }

  private final class Journal: LayerJournal {
    var entries: [String: [String: Tensor]] = [:]
    var limit = Int.max

    func entry(for layer: String) -> [String: Tensor]? { entries[layer] }
    func record(_ entry: [String: Tensor], for layer: String) throws(CompressError) {
      guard entries.count < limit else { throw .calibration("interrupted") }
      entries[layer] = entry
    }
  }

  /// A run that stops after two layers goes on from them, and ends where an uninterrupted one does.
  @Test func interruptedRunsGoOn() throws {
    var generator = SeededGenerator(seed: 4)
    let graph = try network(&generator)
    let data = TensorData([random([16, 3, 8, 8], &generator)])
    let step = PruneStep(sparsity: 0.5, criterion: "exact-obs", allocation: "uniform")
    let journal = Journal()
    journal.limit = 2
    #expect(throws: CompressError.self) { try compress(graph, data, step, journal: journal) }
    #expect(journal.entries.count == 2)
    let finished = journal.entries
    journal.limit = .max
    let resumed = try compress(graph, data, step, journal: journal)
    for (name, entry) in finished { #expect(journal.entries[name]?["weight"] == entry["weight"]) }
    let whole = try compress(graph, data, step)
    for (a, b) in zip(whole.graph.values, resumed.graph.values) {
      #expect(a.constant == b.constant)
    }
  }

  @Test func patternsHold() throws {
    var generator = SeededGenerator(seed: 6)
    let graph = try network(&generator)
    let data = TensorData([random([32, 3, 8, 8], &generator)])
    for criterion in ["sparsegpt", "exact-obs", "wanda", "magnitude"] {
      let step = PruneStep(criterion: criterion, pattern: "2:4", repair: ["least-squares"])
      let result = try compress(graph, data, step)
      let weight = try #require(result.graph.values.first { $0.name == "w3" }?.constant)
      let values = weight.array(of: Float.self)
      for group in stride(from: 0, to: values.count, by: 4) {
        #expect(values[group..<group + 4].filter { $0 == 0 }.count == 2, "\(criterion)")
      }
    }
  }

  @Test func dataThatDoesNotFitSaysSo() throws {
    var generator = SeededGenerator(seed: 7)
    let graph = try network(&generator)
    let data = TensorData([random([4, 2, 8, 8], &generator)])
    let step = PruneStep(sparsity: 0.5, criterion: "sparsegpt")
    let error = try #require(throws: CompressError.self) { try compress(graph, data, step) }
    #expect(error.message.contains("calibration"))
  }
}
