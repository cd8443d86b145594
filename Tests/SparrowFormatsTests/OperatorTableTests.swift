import Foundation
import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowFormats

/// The table in Operators.md is that of the catalogue. To accept a change, run the tests once with
/// SPARROW_RECORD=1 and read the difference.
@Suite struct OperatorTableTests {
  private static let page = "Sources/SparrowRuntime/SparrowRuntime.docc/Operators.md"
  private static let (begin, end) = ("<!-- table -->\n", "<!-- end of table -->\n")

  private func source(_ path: String) throws -> String {
    try String(contentsOf: Repository.root.appendingPathComponent(path), encoding: .utf8)
  }

  /// The cases of `Op` that the runtime has steps for.
  private func prepared() throws -> Set<String> {
    let text = try source("Sources/SparrowRuntime/Operators/Op+Prepare.swift")
    var names = Set<String>()
    for line in text.split(separator: "\n") where line.contains("    case .") {
      let cases = line.prefix { $0 != ":" }
      for part in cases.split(whereSeparator: { " ,(".contains($0) }) where part.hasPrefix(".") {
        names.insert(part.dropFirst().replacingOccurrences(of: "`", with: ""))
      }
    }
    return names
  }

  private func table() throws -> String {
    let prepared = try prepared()
    var rows: [(name: String, row: String)] = []
    for op in Op.catalogue {
      let lifts = Lift.all.filter { $0.op == op.name && $0.domain == op.domain }
      let below = Set(lifts.compactMap { $0.below }).sorted().map { "\($0)" }
      let name = op.domain.isEmpty ? op.name : "\(op.domain) \(op.name)"
      let caseName = "\(op)".prefix { $0 != "(" }
      let kernel = prepared.contains(String(caseName)) ? "step" : "reference"
      let since = op.opset > 1 ? "\(op.opset)" : ""
      rows.append(
        (name, "| \(name) | \(since) | \(below.joined(separator: ", ")) | \(kernel) |\n"))
    }
    rows.sort { $0.name < $1.name }
    return "| operator | since | lifted below | kernel |\n|---|---|---|---|\n"
      + rows.map { $0.row }.joined()
  }

  /// Operators that others take the place of when a file is read.
  private func lifted() -> String {
    let known = Set(Op.catalogue.map { $0.domain + $0.name })
    let names = Set(
      Lift.all.filter { $0.domain.isEmpty && !known.contains($0.op) }.map { $0.op })
    return "\nLifted to others: " + names.sorted().joined(separator: ", ") + ".\n"
  }

  @Test func tableIsThatOfTheCatalogue() throws {
    let text = try source(Self.page)
    let parts = text.components(separatedBy: Self.begin)
    let rest = try #require(parts.last).components(separatedBy: Self.end)
    try #require(parts.count == 2 && rest.count == 2)
    let wanted = parts[0] + Self.begin + (try table()) + lifted() + Self.end + rest[1]
    if ProcessInfo.processInfo.environment["SPARROW_RECORD"] != nil {
      let url = Repository.root.appendingPathComponent(Self.page)
      try wanted.write(to: url, atomically: true, encoding: .utf8)
    }
    #expect(try source(Self.page) == wanted, "record Operators.md anew")
  }
}
