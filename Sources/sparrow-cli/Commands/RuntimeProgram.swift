import Foundation
import Sparrow

/// Where the program that `bundle` puts a model into comes from.
enum RuntimeProgram {
  private static var files: FileManager { .default }

  /// The folder of this program.
  private static var home: URL {
    URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
      .deletingLastPathComponent()
  }

  /// sparrow-run beside this program, or in PATH.
  static func found() throws -> String {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    for folder in [home.path] + folders.map(String.init) {
      let path = "\(folder)/sparrow-run"
      if files.isExecutableFile(atPath: path) { return path }
    }
    throw SparrowError.badInput(
      "sparrow-run is neither beside sparrow nor in PATH: tools/build-runtime makes it; name it with --runtime"
    )
  }

  /// Builds sparrow-run for models of these operators alone, from the sources in `folder` or those that this
  /// program was built in. What the build says goes to standard error.
  static func built(operators: [String], from folder: String?) throws -> String {
    let root = try sources(folder)
    let output = root.appendingPathComponent(".build/sparrow-run-used").path
    let build = Process()
    build.executableURL = root.appendingPathComponent(tool)
    build.arguments = [
      "-o", output, "--work", root.appendingPathComponent(".build/runtime-used").path,
      // What running adds by itself where a branch's values are handed on.
      "--operators", (Set(operators).union(["Identity"])).sorted().joined(separator: ","),
    ]
    build.standardOutput = FileHandle.standardError
    try build.run()
    build.waitUntilExit()
    guard build.terminationStatus == 0 else {
      throw SparrowError.badInput("\(root.path)/\(tool) failed: see above")
    }
    return output
  }

  private static var tool: String { "tools/build-runtime" }

  private static func sources(_ given: String?) throws -> URL {
    var folder = given.map { URL(fileURLWithPath: $0) } ?? home
    repeat {
      if files.isExecutableFile(atPath: folder.appendingPathComponent(tool).path) { return folder }
      folder = folder.deletingLastPathComponent()
    } while given == nil && folder.path != "/"
    throw SparrowError.badInput(
      "\(given ?? "no folder above \(home.path)") has \(tool): name the folder of Sparrow's sources with --source"
    )
  }
}
