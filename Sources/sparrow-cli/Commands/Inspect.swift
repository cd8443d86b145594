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

  @Flag(name: .customLong("by-layer"), help: "List every layer.")
  var byLayer = false

  @OptionGroup var shapes: ShapeOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    let given = try shapes.shapes().shapes
    let first = try common.timed("read") { try Model.load(path: model) }
    try first.checkShapes(given)
    if let compare {
      let second = try common.timed("read") { try Model.load(path: compare) }
      let comparison = common.timed("compare") {
        Comparison(
          first.graph, second.graph, firstModel: model, secondModel: compare, inputShapes: given)
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
