import Foundation
import Sparrow
import SparrowTestSupport
import Testing

/// Channels cut by a recipe, on a small network that is part of the package.
struct ChannelCompressionTests {
  private func model() throws -> Model {
    try Model.load(path: Repository.fixture("digits-cnn.onnx"))
  }

  private func data() throws -> Dataset { try Dataset(path: Repository.fixture("digits.npz")) }

  private func accuracy(_ model: Model) throws -> Double {
    let samples = try SampleSource(data(), for: model)
    return try #require(try model.evaluate(on: samples, options: EvaluationOptions()).top1)
  }

  @Test func channelsGoAndTheReportSaysWhich() throws {
    let whole = try model()
    let recipe = Recipe(prune: PruneStep(sparsity: 0.25, pattern: "channels"))
    let compressed = try whole.compressed(recipe)
    #expect(
      compressed.result.channels.map { [$0.group, "\($0.before)", "\($0.after)"] }
        == [["layer1", "32", "24"], ["layer7", "64", "48"]])
    let (before, after) = (ModelSummary(whole), ModelSummary(compressed.model))
    #expect(after.nonzeros < before.nonzeros * 7 / 10)
    let report = compressed.result.report()
    #expect(report.layers.allSatisfy { $0.pattern == "channels" })
    #expect(report.layers.map { $0.shape.first } == [24, 24, 48, 48, 10])
  }

  /// Data that tells which channels matter, and what the others must become, makes the cut nearly
  /// harmless where plain magnitudes do not.
  @Test func calibratedCutKeepsTheAccuracy() throws {
    let whole = try model()
    let samples = try SampleSource(data(), for: whole).prefix(256)
    var step = PruneStep(sparsity: 0.25, pattern: "channels")
    let plain = try accuracy(whole.compressed(Recipe(prune: step)).model)
    step.criterion = "exact-obs"
    var fractions: [Double] = []
    let run = CalibrationRun(samples, threads: 1) { fractions.append($0.fraction) }
    let repaired = try whole.compressed(Recipe(prune: step), calibration: run)
    #expect(fractions == fractions.sorted() && fractions.last == 1)
    let (dense, found) = (try accuracy(whole), try accuracy(repaired.model))
    #expect(found > plain)
    #expect(found > dense - 0.03, "dense \(dense), repaired \(found), plain \(plain)")
    try TemporaryFolder.use { folder in
      let path = folder + "/cut.onnx"
      try repaired.model.save(to: path)
      #expect(try accuracy(Model.load(path: path)) == found)
    }
  }

  @Test func namedLayersKeepTheirChannels() throws {
    var step = PruneStep(sparsity: 0.5, pattern: "channels", exclude: ["layer11*"])
    let first = try model().compressed(Recipe(prune: step)).result.channels
    #expect(first.map { $0.after } == [16, 64])
    step = PruneStep(
      sparsity: 0.5, pattern: "channels", layers: [LayerOverride(match: "layer1.*", sparsity: 0.25)]
    )
    let second = try model().compressed(Recipe(prune: step)).result.channels
    #expect(second.map { $0.after } == [24, 32])
  }

  @Test(arguments: [
    PruneStep(sparsity: 0.5, criterion: "wanda", pattern: "channels"),
    PruneStep(sparsity: 0.5, allocation: "erk", pattern: "channels"),
    PruneStep(sparsity: 0.5, criterion: "exact-obs", pattern: "channels"),
    PruneStep(sparsity: 0.5, pattern: "channels", repair: ["least-squares"]),
    PruneStep(sparsity: 0.5, pattern: "channels", exclude: ["*"]), PruneStep(pattern: "channels"),
  ])
  func whatCannotBeDoneIsRefused(_ step: PruneStep) throws {
    let whole = try model()
    #expect(throws: SparrowError.self) { try whole.compressed(Recipe(prune: step)) }
  }
}
