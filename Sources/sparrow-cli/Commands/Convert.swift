import ArgumentParser
import Foundation
import Sparrow
import SparrowHost

struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Convert a model to another format.",
    discussion: """
      The formats follow from the extensions: .onnx or .sparrow.

      A .sparrow file is optimised for running: normalisation folded into weights, activations fused, \
      each weight in the smallest storage that keeps it exactly. With --no-optimize the graph stays as \
      it was read. An .onnx file is always made of standard operators.

      EXAMPLES:
        sparrow convert model.onnx model.sparrow
        sparrow convert small.sparrow small.onnx
        sparrow convert model.onnx plain.sparrow --no-optimize
        sparrow convert sparse.onnx tuned.sparrow --weights tuned.safetensors
      """)

  @Argument(help: "The model to read (.onnx or .sparrow).")
  var input: String

  @Argument(help: "The file to write (.onnx or .sparrow).")
  var output: String

  @Flag(name: .customLong("no-optimize"), help: "Keep the graph as it was read.")
  var keepsGraph = false

  @Option(
    help: ArgumentHelp(
      "Take constants of the same names from there (.safetensors), such as weights trained elsewhere.",
      valueName: "file"))
  var weights: String?

  @OptionGroup var common: CommonOptions

  func run() throws {
    let format = try ModelFormat(path: output)
    // Taken before writing: a model may be converted in place.
    let sizeBefore = fileSize(input)
    var model = try common.timed("read") { try Model.load(path: input) }
    if let weights {
      let (changed, replaced) = try common.timed("weights") {
        try model.replacingWeights(from: weights)
      }
      common.say("\(weights): \(replaced.count) constants replaced")
      model = changed
    }
    switch format {
    case .sparrow where keepsGraph: model = model.encoded()
    case .sparrow:
      let (deployable, log) = try common.timed("optimise") { try model.deployable() }
      for entry in log { common.detail("  \(entry.pass): \(entry.changes)") }
      model = deployable
    case .onnx: break
    }
    try common.timed("write") { try model.save(to: output) }
    common.say(
      "\(output): \(Text.bytes(fileSize(output))) (\(input): \(Text.bytes(sizeBefore)))")
  }
}

/// A file's size in bytes; 0 where it has none.
func fileSize(_ path: String) -> Int {
  let attributes = try? FileManager.default.attributesOfItem(atPath: path)
  return (attributes?[.size] as? NSNumber)?.intValue ?? 0
}
