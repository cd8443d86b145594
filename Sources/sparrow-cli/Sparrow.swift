import ArgumentParser
import Foundation
import Sparrow
import SparrowHost

/// The `sparrow` command.
struct SparrowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sparrow",
    abstract: "Makes trained networks sparse and small, and runs them fast on CPUs.",
    discussion: """
      Models are .onnx files (from any framework) or .sparrow files (Sparrow's own: pruned weights \
      take only the space of what is left).

      EXAMPLES:
        sparrow inspect model.onnx
        sparrow compress model.onnx small.sparrow --sparsity 0.9
        sparrow benchmark small.sparrow --threads 2
        sparrow run small.sparrow -i image=image.npy -o scores.npz

      Exit status: 0 done; 1 a check failed (verify); 2 bad usage or bad input.
      """,
    version: Version.text,
    subcommands: [
      Inspect.self, Compress.self, Convert.self, Run.self, Benchmark.self, Evaluate.self,
      Verify.self, New.self, Train.self, ExportMasks.self, BundleCommand.self,
    ])
}

/// A check whose answer is no: exit status 1.
struct CheckFailed: Error {
  var reason: String
}

@main
enum Main {
  static func main() {
    // A reader that goes away (`sparrow inspect ... | head`) ends the program quietly.
    signal(SIGPIPE, SIG_DFL)
    do {
      var command = try SparrowCommand.parseAsRoot()
      try command.run()
    } catch let error as SparrowError {
      fail(error.message, status: 2)
    } catch let error as CheckFailed {
      fail(error.reason, status: 1)
    } catch {
      exit(for: error)
    }
  }

  /// Help and version are answers; anything else is bad usage.
  private static func exit(for error: any Error) -> Never {
    let message = SparrowCommand.fullMessage(for: error)
    if SparrowCommand.exitCode(for: error) == .success {
      print(message)
      Foundation.exit(0)
    }
    FileHandle.standardError.write(Data((message + "\n").utf8))
    Foundation.exit(2)
  }

  private static func fail(_ message: String, status: Int32) -> Never {
    FileHandle.standardError.write(Data("sparrow: \(message)\n".utf8))
    Foundation.exit(status)
  }
}
