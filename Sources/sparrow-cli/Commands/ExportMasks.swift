import ArgumentParser
import Foundation
import Sparrow

struct ExportMasks: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export-masks",
    abstract: "Write weights and masks for training with PyTorch.",
    discussion: """
      The file holds every floating-point constant under its name, and for each weight with zeros \
      NAME.mask, true where it is not zero. Prune an ONNX file into an ONNX file, so that names and \
      batch normalisation stay as PyTorch knows them; what was trained comes back by \
      sparrow convert --weights.

      EXAMPLES:
        sparrow export-masks sparse.onnx sparse.safetensors
        sparrow convert sparse.onnx tuned.sparrow --weights tuned.safetensors
      """)

  @Argument(help: "The model (.onnx or .sparrow).")
  var model: String

  @Argument(help: "The file to write (.safetensors).")
  var output: String

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard output.hasSuffix(".safetensors") else {
      throw ValidationError("'\(output)' must end in .safetensors")
    }
  }

  func run() throws {
    let loaded = try common.timed("read") { try Model.load(path: model) }
    let found = try common.timed("write") { try loaded.exportMasks(to: output) }
    common.say(
      "\(output): \(found.tensors) tensors, \(found.masks) of them with masks that drop "
        + "\(found.zeros) weights")
    if found.masks == 0 {
      common.say("note: no weight has a zero; sparrow compress puts some there")
    }
  }
}
