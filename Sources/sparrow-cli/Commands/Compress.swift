import ArgumentParser
import Foundation
import Sparrow
import SparrowHost

struct Compress: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prune a model and store it small.",
    discussion: """
      Sets the least important weights to zero. Sparsity is the fraction of zeros among the weights \
      that may be pruned: those of convolutions and matrix products, but not depthwise convolutions, \
      biases, embeddings or normalisation, nor what --exclude names.

      A .sparrow output is optimised for running and keeps only what is not zero; an .onnx output \
      keeps zeros as numbers, for other programs.

      EXAMPLES:
        sparrow compress a.onnx b.sparrow --sparsity 0.9
        sparrow compress a.onnx b.sparrow --sparsity 0.8 --allocation erk
        sparrow compress a.onnx b.sparrow --pattern 2:4
        sparrow compress a.onnx b.sparrow --target-latency 0.5x
        sparrow compress a.onnx b.sparrow --sparsity 0.9 --exclude 'head*'
        sparrow compress a.onnx b.sparrow --sparsity 0.9 --report report.json
        sparrow compress a.onnx b.sparrow --recipe recipe.yaml
        sparrow compress a.onnx b.sparrow --sparsity 0.8 --calibration train.npz --preprocess cifar
        sparrow compress a.onnx b.sparrow --sparsity 0.9 --criterion exact-obs --allocation lamp \
          --repair obs,least-squares --calibration train.npz --preprocess cifar --samples 1024
      """)

  @Argument(help: "The model to read (.onnx or .sparrow).")
  var input: String

  @Argument(help: "The file to write (.sparrow or .onnx).")
  var output: String

  @OptionGroup(title: "What to prune") var pruning: PruningOptions

  @OptionGroup(title: "Calibration") var calibration: CalibrationOptions

  @Option(
    help: ArgumentHelp("Write a JSON report of every layer.", valueName: "file"))
  var report: String?

  @OptionGroup var common: CommonOptions

  func run() throws {
    let format = try ModelFormat(path: output)
    let recipe = calibration.applied(
      to: try pruning.chosenRecipe(isCalibrated: calibration.calibration != nil))
    try check(recipe, format)
    let model = try common.timed("read") { try Model.load(path: input) }
    // Taken before writing: a model may be compressed in place.
    let before = (summary: ModelSummary(model), size: fileSize(input))
    let samples = try calibration.source(for: model, recipe.calibration)
    let journal = try samples.map { samples in
      try CalibrationJournal(
        output: output, signature: try model.signature(recipe: recipe, samples: samples))
    }
    if let journal, journal.found > 0 {
      common.say("going on with \(journal.found) layers from \(journal.folder)")
    }
    let compressed = try common.timed("prune") { try compress(model, recipe, samples, journal) }
    var final = compressed.model
    if format == .sparrow {
      final = try common.timed("optimise") {
        try compressed.model.deployable(blockShape: compressed.blockShape).model
      }
    }
    var result = compressed.result
    result.graph = final.graph
    let details = result.report()
    let staged = try report.map { try StagedText(try details.json(), to: $0) }
    try common.timed("write") { try final.save(to: output) }
    try staged?.commit()
    journal?.finish()
    print(details, before: before, after: (ModelSummary(final), fileSize(output)))
  }

  private func compress(
    _ model: Model, _ recipe: Recipe, _ samples: SampleSource?, _ journal: CalibrationJournal?
  ) throws -> CompressedModel {
    let progress = Progress("compress", common)
    defer { progress.finish() }
    let measures = try pruning.targets.measures(
      threads: calibration.threads, progress: progress)
    guard let samples, let journal else {
      return try model.compressed(recipe, measures: measures)
    }
    return try model.compressed(
      recipe, calibration: calibration.run(samples, journal: journal, progress: progress),
      measures: measures)
  }

  private func check(_ recipe: Recipe, _ format: ModelFormat) throws(SparrowError) {
    for case .prune(let step) in recipe.steps {
      guard format != .sparrow, step.target?.kind == .fileSize else { continue }
      throw .badSetting(
        "a target of file size is one of .sparrow files; an .onnx file keeps zeros as numbers and "
          + "stays as large")
    }
  }

  private func print(
    _ details: CompressionReport, before: (summary: ModelSummary, size: Int),
    after: (summary: ModelSummary, size: Int)
  ) {
    if common.verbose { Swift.print(layers(details) + "\n") }
    let totals = details.totals
    var rows = [["", "before", "after", ""]]
    rows.append(row("file size", before.size, after.size, Text.bytes))
    let (a, b) = (before.summary, after.summary)
    rows.append(row("weights not zero", a.nonzeros, b.nonzeros, Text.count))
    if let a = a.nonzeroMultiplyAdds, let b = b.nonzeroMultiplyAdds {
      rows.append(row("multiply-adds", a, b, Text.count))
    }
    common.say(Text.table(rows))
    common.say(
      "\nsparsity \(Text.percent(totals.sparsity)) of \(Text.count(totals.prunable)) weights that may "
        + "be pruned, \(Text.percent(totals.weightSparsity)) of all \(Text.count(totals.weights))")
    if !details.targets.isEmpty { common.say(TargetOptions.text(details.targets)) }
  }

  private func row(_ name: String, _ a: Int, _ b: Int, _ text: (Int) -> String) -> [String] {
    let ratio = b > 0 ? Text.significant(Double(a) / Double(b)) + "x less" : ""
    return [name, text(a), text(b), ratio]
  }

  private func layers(_ details: CompressionReport) -> String {
    let header = ["weight", "shape", "sparsity", "storage", "size", "error", "role"]
    return Text.table(
      [header]
        + details.layers.map { layer in
          [
            layer.name, layer.shape.map { "\($0)" }.joined(separator: "x"),
            Text.percent(layer.sparsity), layer.storage, Text.bytes(layer.bytes), error(layer),
            layer.role,
          ]
        })
  }

  /// The layer's relative squared error before and after repair.
  private func error(_ layer: LayerReport) -> String {
    guard let before = layer.errorBefore, let after = layer.errorAfter else { return "" }
    return Text.significant(before) + " -> " + Text.significant(after)
  }
}
