import ArgumentParser
import Foundation
import Sparrow
import SparrowHost

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a model once.",
    discussion: """
      Inputs are NumPy arrays, or tensors as ONNX's test sets keep them (.pb). Without any -i, deterministic random inputs are used; dimensions that \
      the model leaves open are 1 where they are the batch, and given by --input-shapes otherwise. \
      Outputs are summed up on the terminal and written in full with -o.

      EXAMPLES:
        sparrow run model.onnx -i image=image.npy -o scores.npz
        sparrow run bert.sparrow -i ids=tokens.npz:ids -i mask=tokens.npz:mask
        sparrow run model.onnx -i image=test_data_set_0/input_0.pb
        sparrow run model.onnx --input-shapes image:1,3,224,224
        sparrow run gated.onnx -i image=image.npy --profile
      """)

  @Argument(help: "The model (.onnx or .sparrow).")
  var model: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Write the outputs, by name (bfloat16 as its bits, V2).", valueName: "out.npz"))
  var output: String?

  @Flag(
    help: """
      Run once more, and show what each step takes and its multiply-adds: nominal, and realised where \
      gates close channels.
      """)
  var profile = false

  @OptionGroup var inputs: InputOptions
  @OptionGroup var shapes: ShapeOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var optimization: OptimizationOptions
  @OptionGroup var tuning: TuningOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    if let output, !output.hasSuffix(".npz") {
      throw SparrowError.unknownFormat(path: output, expected: ".npz")
    }
    var network = try common.timed("read") { try Model.load(path: model) }
    let tensors = try inputs.tensors(for: network, shapes)
    let session = try common.timed("prepare") {
      try network.session(
        threads: threads.threads, optimizes: optimization.optimizes, tuning: tuning.tuning,
        skipsClosedChannels: optimization.skipsClosedChannels)
    }
    // The session has what it needs; the rest is only kept for as long as it does.
    network.graph.dropConstants()
    try common.timed("pack") { try network.prepare(session, tensors) }
    let results = try common.timed("first run") { try network.run(session, tensors) }
    let names = network.outputNames
    if let output { try saveTensors(Array(zip(names, results)), to: output) }
    for (name, tensor) in zip(names, results) {
      common.say(TensorSummary.text(name, tensor))
    }
    if profile {
      let steps = try network.profile(session, tensors)
      common.say("\n" + ProfileText.table(steps) + "\n" + ProfileText.work(steps))
    }
  }
}
