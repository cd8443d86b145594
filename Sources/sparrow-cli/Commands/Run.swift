import ArgumentParser
import Foundation
import Sparrow

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
      """)

  @Argument(help: "The model (.onnx or .sparrow).")
  var model: String

  @Option(
    name: [.customShort("i"), .customLong("input")],
    help: ArgumentHelp(
      "An input from FILE.npy, FILE.npz:KEY or FILE.pb; may be repeated.",
      valueName: "name=file.npy"))
  var inputs: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Write the outputs, by name (bfloat16 as its bits, V2).", valueName: "out.npz"))
  var output: String?

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
    let tensors = try inputTensors(network)
    let session = try common.timed("prepare") {
      try network.session(
        threads: threads.threads, optimizes: optimization.optimizes, tuning: tuning.tuning)
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
  }

  private func inputTensors(_ network: Model) throws -> [Tensor] {
    if inputs.isEmpty {
      return try network.randomInputs(try network.inputShapes(try shapes.shapes()))
    }
    guard shapes.inputShapes.isEmpty else {
      throw SparrowError.badSetting("--input-shapes is for random inputs; leave it out beside -i")
    }
    var named: [(name: String, tensor: Tensor, source: String)] = []
    for text in inputs {
      guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
        throw SparrowError.badSetting("-i '\(text)' is not understood, expected NAME=FILE.npy")
      }
      let file = String(text[text.index(after: equals)...])
      named.append((String(text[..<equals]), try loadTensor(file), file))
    }
    return try network.inputs(named: named)
  }
}
