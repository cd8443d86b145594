import ArgumentParser
import Foundation
import Sparrow

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show where a model's weights, multiply-adds and zeros are.",
    discussion: """
      With --data, models whose gates open and close channels are run on its samples (see 'evaluate' for \
      kinds of data, and presets for --preprocess), and multiply-adds on open channels are shown as \
      realised.

      EXAMPLES:
        sparrow inspect model.onnx
        sparrow inspect model.onnx --by-layer
        sparrow inspect small.sparrow --compare model.onnx
        sparrow inspect trained.onnx --compare initial.onnx --correlation 0.2
        sparrow inspect model.onnx --html report.html
        sparrow inspect model.onnx --json
        sparrow inspect gated.onnx --data images.npz --preprocess cifar --by-layer
      """)

  @Argument(help: "The model (.onnx or .sparrow).")
  var model: String

  @Flag(help: "Print JSON.")
  var json = false

  @Option(help: ArgumentHelp("Write a page with tables and charts.", valueName: "file"))
  var html: String?

  @Option(help: ArgumentHelp("Another model to show beside it.", valueName: "other"))
  var compare: String?

  @Option(
    help: ArgumentHelp(
      "With --compare, the fraction of largest weights whose places are compared: R_p.",
      valueName: "p"))
  var correlation = WeightCorrelation.usualFraction

  @Flag(name: .customLong("by-layer"), help: "List every layer.")
  var byLayer = false

  @Option(
    help: ArgumentHelp("Samples to count realised multiply-adds on.", valueName: "path"))
  var data: String?

  @Option(help: "With --data, which part is taken, where there are two (default: test).")
  var split: Dataset.Split?

  @Option(
    help: ArgumentHelp(
      "With --data, a preset, or scale=N,mean=N,std=N,layout=L,resize=N,crop=N.",
      valueName: "spec"))
  var preprocess = "none"

  @Option(help: ArgumentHelp("With --data, the arrays' names in it.", valueName: "x,y"))
  var keys: String?

  @Option(help: ArgumentHelp("With --data, use the first samples only.", valueName: "n"))
  var limit: Int?

  @OptionGroup var shapes: ShapeOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit is \(limit), expected 1 or more") }
    guard data == nil || compare == nil else {
      throw ValidationError("--data and --compare exclude each other")
    }
    guard correlation > 0, correlation <= 1 else {
      throw ValidationError(
        "--correlation is \(correlation), expected a fraction above 0, at most 1")
    }
  }

  func run() throws {
    let given = try shapes.shapes().shapes
    let first = try load(model)
    try first.checkShapes(given)
    if let compare {
      let second = try load(compare)
      let comparison = common.timed("compare") {
        Comparison(
          first.graph, second.graph, firstModel: model, secondModel: compare, inputShapes: given,
          fraction: correlation)
      }
      try show(
        comparison.text(byLayer: byLayer), json: comparison.json(), html: comparison.html())
    } else {
      var inspection = common.timed("inspect") {
        Inspection(first.graph, model: model, inputShapes: given)
      }
      if let data { try addRealised(&inspection, first.graph, data) }
      try show(
        inspection.text(byLayer: byLayer), json: inspection.json(), html: inspection.html())
    }
  }

  /// Runs the model on the samples of `data`, and adds what its gates left over.
  private func addRealised(_ inspection: inout Inspection, _ graph: Graph, _ data: String) throws {
    let network = try Model.load(path: model)
    let names = keys.map { $0.split(separator: ",").map(String.init) } ?? []
    var samples = try SampleSource(
      path: data, for: network,
      keys: names.first.map { Dataset.Keys(samples: $0, labels: names.dropFirst().first) },
      split: split, preprocessing: try Preprocessing(preprocess))
    if let limit { samples = samples.prefix(limit) }
    var options = EvaluationOptions()
    options.threads = threads.threads
    let progress = Progress("run", common)
    let count = Double(samples.count)
    let work = try network.gatedWork(on: samples, options: options) {
      progress.update(Double($0) / count)
    }
    progress.finish()
    inspection.add(work, of: graph, samples: samples.count)
  }

  /// The model with its weights as they are multiplied.
  private func load(_ path: String) throws -> Model {
    let stored = try common.timed("read") { try Model.load(path: path) }
    let model = stored.withComputedWeights()
    let computed = model.graph.weights().count - stored.graph.weights().count
    if computed > 0, !json {
      common.say(
        "note: \(path) computes \(computed) weights from smaller constants (such as int8); they are "
          + "shown as they are multiplied, and the file is smaller\n")
    }
    return model
  }

  /// Prints text, or JSON where it is asked for; writes the page.
  private func show(
    _ text: @autoclosure () -> String, json jsonText: @autoclosure () throws -> String,
    html page: @autoclosure () -> String
  ) throws {
    if let html { try writeText(page(), to: html) }
    if json {
      print(try jsonText(), terminator: "")
    } else {
      common.say(text())
    }
  }
}
