import ArgumentParser
import Foundation
import Sparrow
import SparrowHost

/// What every command takes.
struct CommonOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Print errors only.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "Print more: passes, layers, times.")
  var verbose = false

  func validate() throws {
    if quiet && verbose { throw ValidationError("--quiet and --verbose exclude each other") }
  }

  /// Prints a line of the answer.
  func say(_ text: String) {
    if !quiet { print(text) }
  }

  /// Prints a line that only --verbose asks for, to standard error.
  func detail(_ text: String) {
    if verbose { FileHandle.standardError.write(Data((text + "\n").utf8)) }
  }

  /// Runs a stage of the work; --verbose tells how long it took.
  func timed<T>(_ stage: String, _ body: () throws -> T) rethrows -> T {
    let start = ContinuousClock().now
    let result = try body()
    detail("\(stage): \(Text.duration(ContinuousClock().now - start))")
    return result
  }
}

/// How many threads compute.
struct ThreadOptions: ParsableArguments {
  @Option(help: "Threads that compute (default: one a CPU).")
  var threads: Int = ProcessInfo.processInfo.activeProcessorCount

  func validate() throws {
    guard (1...256).contains(threads) else {
      throw ValidationError("--threads is \(threads), expected 1 to 256")
    }
  }
}

/// Whether a graph is rewritten before it runs.
struct OptimizationOptions: ParsableArguments {
  @Flag(name: .customLong("no-optimize"), help: "Run an .onnx graph node by node, as it was read.")
  var keepsGraph = false

  @Flag(
    name: .customLong("no-skip"),
    help: "Compute the channels that gates close as well, then put zeros in their places.")
  var computesClosed = false

  var optimizes: Bool { !keepsGraph }
  var skipsClosedChannels: Bool { !computesClosed }
}

/// How the kernels of sparse weights are chosen.
struct TuningOptions: ParsableArguments {
  @Option(
    help: """
      How each layer's kernel is chosen: off (by a cost model, the same in every run), quick (close \
      calls are timed for a moment) or full (all that apply are timed).
      """)
  var tuning = Tuning.off
}

extension Tuning: ExpressibleByArgument {}

/// Shapes for inputs that the model leaves open.
struct ShapeOptions: ParsableArguments {
  @Option(
    name: .customLong("input-shapes"),
    help: ArgumentHelp(
      "An input's shape where the model leaves it open; may be repeated.",
      valueName: "name:1,3,224,224"))
  var inputShapes: [String] = []

  func shapes(batch: Int = 1) throws -> InputShapes {
    var shapes: [String: [Int]] = [:]
    for text in inputShapes {
      let (name, shape) = try InputShapes.parse(text)
      shapes[name] = shape
    }
    return InputShapes(shapes, batch: batch)
  }
}
