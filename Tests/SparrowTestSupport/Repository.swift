import Foundation

/// The package's folder, and what lies beside it.
public enum Repository {
  public static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// The path of a file in `fixtures`.
  public static func fixture(_ name: String) -> String {
    root.appendingPathComponent("fixtures/\(name)").path
  }

  /// The folder of large models and data that the package does not hold: named by `SPARROW_SHARED`,
  /// else `shared` beside the package. It may be absent.
  public static var sharedFolder: URL {
    let named = ProcessInfo.processInfo.environment["SPARROW_SHARED"]
    return named.map { URL(fileURLWithPath: $0) }
      ?? root.deletingLastPathComponent().appendingPathComponent("shared")
  }

  /// A file of ``sharedFolder``; nil where it is not there.
  public static func shared(_ name: String) -> String? {
    let path = sharedFolder.appendingPathComponent(name).path
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }
}

/// A folder that goes away with its owner.
public final class TemporaryFolder {
  public let url: URL

  public init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "sparrow-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  public func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  /// The names of the files in it, sorted.
  public var contents: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: url.path).sorted()) ?? []
  }

  /// Runs `body` with the path, free of symbolic links, of a new folder.
  public static func use<R>(_ body: (String) throws -> R) throws -> R {
    let folder = try TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    return try body(folder.url.resolvingSymlinksInPath().path)
  }
}
