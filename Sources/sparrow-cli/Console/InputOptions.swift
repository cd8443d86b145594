import ArgumentParser
import Sparrow

/// What a model is run on: files, or else random inputs.
struct InputOptions: ParsableArguments {
  @Option(
    name: [.customShort("i"), .customLong("input")],
    help: ArgumentHelp(
      "An input from FILE.npy, FILE.npz:KEY or FILE.pb; may be repeated.",
      valueName: "name=file.npy"))
  var inputs: [String] = []

  var isRandom: Bool { inputs.isEmpty }

  /// In the order of the model's inputs; random ones of `shapes` where no file is named.
  func tensors(for network: Model, _ shapes: ShapeOptions, batch: Int = 1) throws -> [Tensor] {
    if inputs.isEmpty {
      return try network.randomInputs(
        try network.inputShapes(try shapes.shapes(batch: batch)))
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
