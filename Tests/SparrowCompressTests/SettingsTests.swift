import SparrowCompress
import SparrowCore
import SparrowTestSupport
import Testing

/// Names, exclusions, overrides, and settings that contradict each other.
struct SettingsTests {
  private func network() throws -> Graph {
    var generator = SeededGenerator(seed: 7)
    return try syntheticNetwork([
      .convolution(outputs: 8, inputs: 4, kernel: 3), .depthwise(channels: 8, kernel: 3),
      .gemm(outputs: 16, inputs: 8), .matMul(inputs: 16, outputs: 8),
    ]) { _, shape in
      Tensor(
        (0..<shape.elementCount).map { _ in Float.random(in: 0.1...1, using: &generator) },
        shape: shape)
    }
  }

  private func sparsities(_ step: PruneStep) throws -> [Double] {
    let graph = try Compression(Recipe(prune: step)).run(on: network()).graph
    return graph.weightNames.map { name in
      let values = graph.floats(name)
      return Double(values.filter { $0 == 0 }.count) / Double(values.count)
    }
  }

  @Test func depthwiseIsExcludedUnlessAskedFor() throws {
    let step = PruneStep(sparsity: 0.5, allocation: "uniform")
    #expect(try sparsities(step) == [0.5, 0, 0.5, 0.5])
    let all = PruneStep(sparsity: 0.5, allocation: "uniform", excludeKinds: [])
    #expect(try sparsities(all) == [0.5, 0.5, 0.5, 0.5])
  }

  @Test(arguments: [
    (PruneStep(sparsity: 0.5, allocation: "uniform", excludeKinds: [.first]), [0, 0.5, 0.5, 0.5]),
    (PruneStep(sparsity: 0.5, allocation: "uniform", excludeKinds: [.last]), [0.5, 0.5, 0.5, 0]),
    (PruneStep(sparsity: 0.5, allocation: "uniform", exclude: ["w[02]"]), [0, 0, 0, 0.5]),
    (PruneStep(sparsity: 0.5, allocation: "uniform", exclude: ["node3"]), [0.5, 0, 0.5, 0]),
    (
      PruneStep(
        sparsity: 0.5, allocation: "uniform", exclude: ["w0"],
        layers: [
          LayerOverride(match: "w0", sparsity: 0.25), LayerOverride(match: "w1", sparsity: 0.75),
          LayerOverride(match: "*", sparsity: 0),
        ]), [0.25, 0.75, 0, 0]
    ),
  ])
  func selection(step: PruneStep, expected: [Double]) throws {
    #expect(try sparsities(step) == expected)
  }

  @Test func theTargetIsOfPrunableWeightsAlone() throws {
    let step = PruneStep(
      sparsity: 0.5, allocation: "global",
      layers: [LayerOverride(match: "node2", sparsity: 0.25)])
    let result = try Compression(Recipe(prune: step)).run(on: network())
    let zeros = ["w0", "w3"].reduce(0) { $0 + result.graph.floats($1).filter { $0 == 0 }.count }
    #expect(zeros == (8 * 4 * 9 + 16 * 8) / 2)
    #expect(result.outcomes["w2"]?.role == .fixed(sparsity: 0.25))
    #expect(result.outcomes["w1"]?.role == .excluded(reason: "depthwise"))
  }

  @Test func anUnmatchedGlobNamesItsNeighbours() throws {
    let step = PruneStep(sparsity: 0.5, exclude: ["nod2"])
    let error = try #require(throws: CompressError.self) { try sparsities(step) }
    #expect(error.message.contains("'node2'"))
  }

  @Test(arguments: [
    PruneStep(sparsity: 0.5, criterion: "luck"), PruneStep(sparsity: 0.5, allocation: "spdy"),
    PruneStep(sparsity: 0.5, pattern: "4:2"), PruneStep(sparsity: 0.5, pattern: "1x1"),
    PruneStep(sparsity: 0.5, pattern: "0x4"), PruneStep(sparsity: 0.5, pattern: "2:4:8"),
    PruneStep(sparsity: 0.5, repair: ["luck"]), PruneStep(sparsity: 0.5, schedule: "gradual"),
  ])
  func unknownNamesListWhatThereIs(step: PruneStep) throws {
    let error = try #require(throws: CompressError.self) { try Compression(Recipe(prune: step)) }
    guard case .unknownChoice(_, _, let available) = error else {
      Issue.record("found \(error)")
      return
    }
    #expect(!available.isEmpty)
  }

  @Test(arguments: [
    PruneStep(), PruneStep(sparsity: 1), PruneStep(sparsity: -0.1), PruneStep(sparsity: .nan),
    PruneStep(sparsity: 0.9, pattern: "2:4"), PruneStep(allocation: "global", pattern: "2:4"),
    PruneStep(pattern: "2:4", layers: [LayerOverride(match: "*", sparsity: 0.9)]),
  ])
  func contradictionsAreRefused(step: PruneStep) {
    #expect(throws: CompressError.self) { try Compression(Recipe(prune: step)) }
  }

  /// What is chosen where there is data and nothing else is said, is there and works together.
  @Test(arguments: ["unstructured", "2:4", "1x4", "channels"])
  func calibratedChoicesGoTogether(pattern: String) throws {
    let step = PruneStep(sparsity: pattern == "2:4" ? nil : 0.5, pattern: pattern).calibrated
    _ = try Compression(Recipe(prune: step))
    #expect(step.criterion != "magnitude" && step.repair?.isEmpty == false)
    let given = PruneStep(sparsity: 0.5, allocation: "lamp").calibrated
    #expect(given.allocation == "lamp")
  }

  @Test func nothingToPrune() throws {
    let step = PruneStep(sparsity: 0.5, exclude: ["*"])
    #expect(throws: CompressError.self) { try sparsities(step) }
    #expect(throws: CompressError.self) {
      try Compression(Recipe(prune: PruneStep(sparsity: 0.5))).run(on: Graph(name: "empty"))
    }
  }

  @Test func theSameInputGivesTheSameBytes() throws {
    let step = PruneStep(sparsity: 0.8, allocation: "lamp")
    let reports = try (0..<2).map { _ in
      var result = try Compression(Recipe(prune: step)).run(on: network())
      result.graph = result.graph.encodingWeights()
      return try result.report().json()
    }
    #expect(reports[0] == reports[1])
  }
}
