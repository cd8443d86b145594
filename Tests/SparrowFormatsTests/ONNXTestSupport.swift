import Foundation
import SparrowCore
import SparrowFormats
import Testing

/// The package's own small files.
enum Fixtures {
  static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("fixtures").path

  static func path(_ name: String) -> String { folder + "/" + name }

  /// ONNX files that can be read.
  static let readable = names { !$0.hasPrefix("malformed/") }
  static let malformed = names { $0.hasPrefix("malformed/") }

  private static func names(where isWanted: (String) -> Bool) -> [String] {
    let all = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return all.filter { $0.hasSuffix(".onnx") && isWanted($0) }.sorted()
  }
}

enum TemporaryFolder {
  /// Runs `body` with the path of a new folder, which is removed afterwards.
  static func use<R>(_ body: (String) throws -> R) throws -> R {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("sparrow-\(UUID().uuidString)").resolvingSymlinksInPath()
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url.path)
  }
}

/// Expects equal nodes, names, types and constants.
func expectEqual(_ found: Graph, _ expected: Graph) {
  #expect(found.text == expected.text)
  let constants = Dictionary(
    expected.values.compactMap { value in value.constant.map { (value.name, $0) } },
    uniquingKeysWith: { first, _ in first })
  var count = 0
  for value in found.values {
    guard let constant = value.constant else { continue }
    count += 1
    #expect(constant == constants[value.name], "constant '\(value.name)'")
  }
  #expect(count == constants.count)
}
