import ArgumentParser
import Foundation
import Sparrow

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show where a model's weights, multiply-adds and zeros are.",
    discussion: """
      EXAMPLES:
        sparrow inspect model.onnx
        sparrow inspect model.onnx --by-layer
        sparrow inspect small.sparrow --compare model.onnx
        sparrow inspect trained.onnx --compare initial.onnx --correlation 0.2
        sparrow inspect model.onnx --html report.html
        sparrow inspect model.onnx --json
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

  @OptionGroup var shapes: ShapeOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
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
      let inspection = common.timed("inspect") {
        Inspection(first.graph, model: model, inputShapes: given)
      }
      try show(
        inspection.text(byLayer: byLayer), json: inspection.json(), html: inspection.html())
    }
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
