import Foundation
import SparrowCore
import SparrowFormats
import SparrowTestSupport
import Testing

/// The package's own small files.
enum Fixtures {
  static let folder = Repository.fixture("")

  static func path(_ name: String) -> String { Repository.fixture(name) }

  /// ONNX files that can be read.
  static let readable = names { !$0.hasPrefix("malformed/") }
  static let malformed = names { $0.hasPrefix("malformed/") }

  private static func names(where isWanted: (String) -> Bool) -> [String] {
    let all = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return all.filter { $0.hasSuffix(".onnx") && isWanted($0) }.sorted()
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
