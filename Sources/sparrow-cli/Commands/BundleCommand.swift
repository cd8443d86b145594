import ArgumentParser
import Sparrow
import SparrowHost

struct BundleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bundle",
    abstract: "Make one program of a model and the runtime.",
    discussion: """
      The program needs nothing else on the machine that it runs on, and takes the options of sparrow-run: inputs \
      from files or standard input, --stream for one set of inputs after the other, --benchmark. Its runtime is \
      sparrow-run (tools/build-runtime makes it), looked for beside sparrow and in PATH. With --include-operators \
      used one is built from Sparrow's sources that runs this model's operators alone: about half as large, \
      after minutes.

      EXAMPLES:
        sparrow bundle small.sparrow -o app && ./app -i image=image.npy
        sparrow bundle model.onnx -o app --runtime .build/sparrow-run
        sparrow bundle small.sparrow -o app --include-operators used
      """)

  @Argument(help: "The model (.onnx or .sparrow).")
  var model: String

  @Option(name: .shortAndLong, help: ArgumentHelp("The program to write.", valueName: "app"))
  var output: String

  @Option(help: ArgumentHelp("The runtime to bundle.", valueName: "sparrow-run"))
  var runtime: String?

  @Option(help: "The operators of the runtime.")
  var includeOperators = Operators.all

  @Option(
    help: ArgumentHelp(
      "Sparrow's sources, which --include-operators used builds from (default: above sparrow).",
      valueName: "folder"))
  var source: String?

  @OptionGroup var common: CommonOptions

  enum Operators: String, ExpressibleByArgument, CaseIterable { case all, used }

  func validate() throws {
    guard runtime == nil || includeOperators == .all else {
      throw ValidationError(
        "--runtime names a program, --include-operators used builds one: give one of them.")
    }
    guard source == nil || includeOperators == .used else {
      throw ValidationError("--source is read by --include-operators used alone.")
    }
  }

  func run() throws {
    let network = try common.timed("read") { try Model.load(path: model).deployed() }
    let runtime =
      switch includeOperators {
      case .all: try runtime ?? RuntimeProgram.found()
      case .used: try RuntimeProgram.built(operators: network.operatorTypes, from: source)
      }
    try common.timed("write") { try network.bundle(withRuntime: runtime, to: output) }
    common.say(
      "\(output): \(Text.bytes(fileSize(output))) (runtime \(Text.bytes(fileSize(runtime))))")
  }
}
