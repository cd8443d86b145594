import Foundation
import SparrowTestSupport
import Testing

/// What `--help` prints, word for word: fixtures/help/COMMAND.txt. To accept a change, run the tests
/// once with SPARROW_RECORD=1 and read the difference.
struct HelpTests {
  static let commands = [
    "sparrow", "inspect", "compress", "convert", "run", "benchmark", "evaluate", "verify",
    "new", "train", "export-masks", "bundle",
  ]

  @Test(arguments: commands)
  func helpIsAsRecorded(_ command: String) throws {
    let arguments = command == "sparrow" ? ["--help"] : [command, "--help"]
    let outcome = try CommandLineTool.run(arguments)
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    let path = Repository.fixture("help/\(command).txt")
    if ProcessInfo.processInfo.environment["SPARROW_RECORD"] != nil {
      try outcome.output.write(toFile: path, atomically: true, encoding: .utf8)
    }
    #expect(outcome.output == (try String(contentsOfFile: path, encoding: .utf8)))
  }

  @Test(arguments: commands.dropFirst())
  func everyCommandHasExamplesOfItsOwn(_ command: String) throws {
    let help = try CommandLineTool.run(command, "--help").output
    #expect(help.contains("EXAMPLES:\n  sparrow \(command) "))
  }

  @Test func version() throws {
    let outcome = try CommandLineTool.run("--version")
    #expect(outcome.status == 0)
    #expect(outcome.output == "0.1.0\n")
  }
}
