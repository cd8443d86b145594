import Foundation
import SparrowTestSupport

/// The built `sparrow-run` program, as a script calls it: bytes in, bytes out.
enum RunTool {
  struct Outcome {
    var status: Int32
    var bytes: Data
    var errors: String

    var output: String { String(decoding: bytes, as: UTF8.self) }
  }

  /// Beside the test bundle in the build folder.
  static let executable: URL = {
    let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    let beside = bundle.deletingLastPathComponent().appendingPathComponent("sparrow-run")
    if FileManager.default.isExecutableFile(atPath: beside.path) { return beside }
    return Repository.root.appendingPathComponent(".build/debug/sparrow-run")
  }()

  static func run(
    _ arguments: [String], input: Data = Data(), program: URL = executable
  ) throws -> Outcome {
    let folder = try TemporaryFolder()
    let (given, output, errors) = (
      folder.path("input"), folder.path("output"), folder.path("errors")
    )
    try input.write(to: URL(fileURLWithPath: given))
    for path in [output, errors] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.currentDirectoryURL = Repository.root
    process.standardInput = FileHandle(forReadingAtPath: given)
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle(forWritingAtPath: errors)
    try process.run()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus, bytes: try Data(contentsOf: URL(fileURLWithPath: output)),
      errors: try String(contentsOfFile: errors, encoding: .utf8))
  }
}
