import Foundation
import SparrowCore
import SparrowRuntime
import SparrowTestSupport
import Testing

@testable import SparrowCompress

/// Targets through whole compressions.
struct TargetSearchTests {
  /// Three layers in a row, the last of which matters most.
  private func network() throws -> Graph {
    var generator = SeededGenerator(seed: 31)
    func weight(_ shape: [Int]) -> Tensor {
      Tensor(
        (0..<shape.elementCount).map { _ in Float.random(in: -1...1, using: &generator) },
        shape: shape)
    }
    var graph = Graph(name: "row")
    var x = graph.addInput(
      "x", TensorType(.float32, [.symbol("N"), .known(24)]))
    for (i, shape) in [[64, 24], [48, 64], [10, 48]].enumerated() {
      let w = graph.addConstant("w\(i)", weight(shape))
      x = try graph.add(.gemm(Gemm(transposesB: true)), [x, w], name: "node\(i)")
      if i < 2 { x = try graph.add(.unary(Unary(.relu)), [x], name: "relu\(i)") }
    }
    graph.outputs = [x]
    return graph
  }

  private func samples(_ count: Int) -> TensorData {
    var generator = SeededGenerator(seed: 32)
    let values = (0..<count * 24).map { _ in Float.random(in: -1...1, using: &generator) }
    return TensorData([Tensor(values, shape: [count, 24])])
  }

  private func kept(_ graph: Graph) -> [Int] {
    graph.weights().map { graph[$0.value].constant?.nonzeroCount ?? 0 }
  }

  @Test(arguments: ["uniform", "global", "lamp", "sensitivity"])
  func multiplyAdds(allocation: String) throws {
    let step = PruneStep(target: .multiplyAdds(.fraction(0.3)), allocation: allocation)
    let result = try Compression(Recipe(prune: step)).run(on: try network())
    let whole = 64 * 24 + 48 * 64 + 10 * 48
    let left = kept(result.graph).reduce(0, +)
    #expect(abs(Double(left) - 0.3 * Double(whole)) <= 3)
    let outcome = try #require(result.targets.first)
    #expect(outcome.kind == "flops" && outcome.before == Double(whole))
    #expect(outcome.predicted == Double(left) && outcome.measured == nil)
  }

  /// What is left alone, and what has a sparsity of its own, are part of the whole.
  @Test func otherLayersCount() throws {
    let step = PruneStep(
      target: .multiplyAdds(.fraction(0.8)), allocation: "uniform", exclude: ["w0"],
      layers: [LayerOverride(match: "w2", sparsity: 0.5)])
    let result = try Compression(Recipe(prune: step)).run(on: try network())
    #expect(kept(result.graph) == [64 * 24, 4070 - 64 * 24 - 240, 240])
    let tooMuch = PruneStep(target: .multiplyAdds(.absolute(1500)), exclude: ["w0"])
    let error = try #require(throws: CompressError.self) {
      try Compression(Recipe(prune: tooMuch)).run(on: try network())
    }
    #expect(error.message.contains("the least"))
  }

  /// With a size that is not the estimate's, the search goes by what is measured.
  @Test func fileSizesAreThoseMeasured() throws {
    let size = { (graph: Graph) in 1000 + 5 * self.kept(graph).reduce(0, +) }
    let step = PruneStep(target: .fileSize(.fraction(0.4)), allocation: "sensitivity")
    let whole = size(try network())
    let result = try Compression(Recipe(prune: step)).run(
      on: try network(), measures: TargetMeasures(fileSize: { graph, _ in size(graph) }))
    let left = Double(size(result.graph))
    #expect(abs(left - 0.4 * Double(whole)) <= 0.01 * left)
    #expect(result.targets.first?.measured == left)
  }

  @Test(arguments: [
    PruneStep(sparsity: 0.5, target: .multiplyAdds(.fraction(0.5))),
    PruneStep(target: .latency(.fraction(0.5)), pattern: "2:4"),
  ])
  func contradictionsAreRefused(step: PruneStep) {
    #expect(throws: CompressError.self) { try Compression(Recipe(prune: step)) }
  }

  @Test func whatCannotBeMeasuredIsSaid() throws {
    for target in [CompressionTarget.latency(.fraction(0.5)), .fileSize(.fraction(0.5))] {
      let compression = try Compression(Recipe(prune: PruneStep(target: target)))
      #expect(throws: CompressError.self) { try compression.run(on: try network()) }
    }
  }

  /// A layer whose outputs nobody reads costs nothing; one that decides costs most.
  @Test(arguments: [nil, ["least-squares"]] as [[String]?])
  func errorsAreThoseOfTheOutputs(repair: [String]?) throws {
    var graph = try network()
    // Outputs see a hundredth of the second layer, so that its errors hardly matter.
    let index = graph.values.firstIndex { $0.name == "w2" } ?? 0
    let last = graph.values[index].constant?.floats ?? []
    let selection = LayerSelection()
    graph.values[index].constant = Tensor(
      last.enumerated().map { $0.offset % 48 < 24 ? $0.element : 0 }, shape: [10, 48])
    let pruning = Pruning(
      graph: graph, goal: .sparsity(0.5), selection: selection, criterion: MagnitudeCriterion(),
      allocation: SensitivityAllocation(), pattern: UnstructuredPattern(),
      repairs: try Choices.repairs(repair ?? [], for: MagnitudeCriterion()),
      calibration: CalibrationRun(samples(256), threads: 1), settings: CalibrationSettings(),
      measures: TargetMeasures())
    let scored = try pruning.scoredLayers(
      try selection.layers(of: graph), sparsity: 0.5)
    let curves = try pruning.measuredErrors(scored.layers, scored.statistics)
    #expect(curves.count == 3)
    for (curve, layer) in zip(curves, scored.layers) {
      #expect(curve.value(at: 0) == 0)
      let values = curve.points.map { $0.value }
      #expect(zip(values, values.dropFirst()).allSatisfy { $0 <= $1 })
      #expect(curve.value(at: layer.layer.count * 9 / 10) > 0)
    }
    // The measured points are on the curve: the error of the network with that layer pruned.
    guard repair == nil else { return }
    let count = Rounding.dropCount(0.8, of: scored.layers[0].layer.count)
    let pruned = graph.pruned([scored.layers[0]], UnstructuredPattern(), dropping: [count])
    let inputs = samples(256).batch(0..<256)
    let (old, new) = (try Session(graph).run(inputs), try Session(pruned).run(inputs))
    var distance = OutputDistance(hasClasses: false)
    distance.add(new, reference: old)
    #expect(abs(curves[0].value(at: count) / distance.loss - 1) < Self.sampling)
  }

  /// Errors are measured on a part of the samples.
  private static let sampling = 0.3

  @Test func equalOutputsAreNoDistance() {
    let scores = Tensor([1, 2, 3, -1, 0, 5] as [Float], shape: [2, 3])
    for hasClasses in [true, false] {
      var distance = OutputDistance(hasClasses: hasClasses)
      distance.add([scores], reference: [scores])
      #expect(distance.value == 0)
      distance.add([Tensor([1, 2, 4, -1, 0, 5] as [Float], shape: [2, 3])], reference: [scores])
      #expect(distance.value > 0)
    }
  }

  /// Two layers that each keep a part of the information keep the product together; the mean of the rows
  /// keeps nothing, and what is worse than that costs more yet.
  @Test func partsThatAreKeptMultiply() {
    let rows = [1, 0, 0, 1] as [Float]
    func loss(_ mixed: Float) -> Double {
      var distance = OutputDistance(hasClasses: false)
      distance.add(
        [Tensor([1 - mixed, mixed, mixed, 1 - mixed], shape: [2, 2])],
        reference: [Tensor(rows, shape: [2, 2])])
      return distance.loss
    }
    // KL is -log(1 - mixed), and log 2 for the mean.
    for mixed: Float in [0.05, 0.2, 0.4] {
      let part = 1 + log(Double(1 - mixed)) / log(2)
      #expect(abs(loss(mixed) + log(part)) < 1e-4)
    }
    #expect(loss(0.5) > loss(0.45) && loss(0.5).isFinite)
    #expect(loss(0.7) > loss(0.5) + 1)
  }

  /// KL of (1/2, 1/2) from (1/4, 3/4): log(4/3) / 2.
  @Test func probabilitiesAreComparedByDivergence() {
    var distance = OutputDistance(hasClasses: false)
    distance.add(
      [Tensor([0.25, 0.75] as [Float], shape: [1, 2])],
      reference: [Tensor([0.5, 0.5] as [Float], shape: [1, 2])])
    #expect(abs(distance.value - 0.14384) < 1e-5)
  }
}
