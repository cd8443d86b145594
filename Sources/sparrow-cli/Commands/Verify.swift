import ArgumentParser
import Foundation
import Sparrow
import SparrowHost

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check that two models compute the same.",
    discussion: """
      Runs both on the same inputs, deterministic random ones or arrays from --data, and compares each \
      output: the largest difference, as a fraction of the output's largest magnitude. Exit status 1 \
      where it is above the tolerance.

      EXAMPLES:
        sparrow verify model.onnx model.sparrow
        sparrow verify a.onnx b.onnx --tolerance 1e-5 --input-shapes x:2,3,32,32
        sparrow verify model.onnx model.sparrow --data inputs.npz
      """)

  @Argument(help: "The model to compare with.")
  var model: String

  @Argument(help: "The model to check.")
  var other: String

  @Option(help: ArgumentHelp("Inputs by name.", valueName: "data.npz"))
  var data: String?

  @Option(help: ArgumentHelp("The largest relative difference.", valueName: "t"))
  var tolerance = 1e-4

  @OptionGroup var shapes: ShapeOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard tolerance >= 0 else {
      throw ValidationError("--tolerance is \(tolerance), expected 0 or more")
    }
  }

  func run() throws {
    let (a, b) = (try Model.load(path: model), try Model.load(path: other))
    let result = try a.compare(with: b, inputs: try inputs(a), threads: threads.threads)
    for output in result.outputs {
      common.say(
        "\(output.name): largest difference \(Text.compact(output.difference)), "
          + "\(Text.compact(output.relative)) of the largest magnitude \(Text.compact(output.magnitude))"
      )
    }
    guard result.worst <= tolerance else {
      throw CheckFailed(
        reason: "\(other) differs from \(model) by \(Text.compact(result.worst)), more than the "
          + "tolerance \(Text.compact(tolerance))")
    }
    common.say("the same within \(Text.compact(tolerance))")
  }

  /// Three random sets, or the one in the data.
  private func inputs(_ network: Model) throws -> [[Tensor]] {
    guard let data else {
      let concrete = try network.inputShapes(try shapes.shapes())
      return try (0..<3).map { try network.randomInputs(concrete, seed: $0) }
    }
    let named = try network.graph.inputs.map { id in
      let name = network.graph[id].name
      let location = "\(data):\(name)"
      return (name: name, tensor: try loadTensor(location), source: location)
    }
    return [try network.inputs(named: named)]
  }
}
