import ArgumentParser
import Foundation
import Sparrow
import SparrowHost

struct BundleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bundle",
    abstract: "Make one program of a model and the runtime.",
    discussion: """
      The program needs nothing else on the machine that it runs on, and takes the options of sparrow-run: inputs \
      from files or standard input, --stream for one set of inputs after the other, --benchmark. Its runtime is \
      sparrow-run (tools/build-runtime makes it), looked for beside sparrow and in PATH.

      EXAMPLES:
        sparrow bundle small.sparrow -o app && ./app -i image=image.npy
        sparrow bundle model.onnx -o app --runtime .build/sparrow-run
      """)

  @Argument(help: "The model (.onnx or .sparrow).")
  var model: String

  @Option(name: .shortAndLong, help: ArgumentHelp("The program to write.", valueName: "app"))
  var output: String

  @Option(help: ArgumentHelp("The runtime to bundle.", valueName: "sparrow-run"))
  var runtime: String?

  @OptionGroup var common: CommonOptions

  func run() throws {
    let runtime = try runtime ?? Self.found()
    let network = try common.timed("read") { try Model.load(path: model) }
    try common.timed("write") { try network.bundle(withRuntime: runtime, to: output) }
    common.say(
      "\(output): \(Text.bytes(fileSize(output))) (runtime \(Text.bytes(fileSize(runtime))))")
  }

  /// sparrow-run beside this program, or in PATH.
  private static func found() throws -> String {
    let beside = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
      .deletingLastPathComponent().path
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    for folder in [beside] + folders.map(String.init) {
      let path = "\(folder)/sparrow-run"
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    throw SparrowError.badInput(
      "sparrow-run is neither beside sparrow nor in PATH: tools/build-runtime makes it; name it with --runtime"
    )
  }
}
