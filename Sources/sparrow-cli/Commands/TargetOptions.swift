import ArgumentParser
import Foundation
import Sparrow
import SparrowHost

/// What `compress` is to reach in the place of a sparsity.
struct TargetOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Multiply-adds left, of the whole network: a fraction or a count (0.3x, 120M).",
      valueName: "n"))
  var targetFlops: String?

  @Option(
    help: ArgumentHelp(
      "The size of the .sparrow file: a fraction or a size (0.25x, 1.2MB).", valueName: "size"))
  var targetSize: String?

  @Option(
    help: ArgumentHelp(
      "The time of one inference at batch 1 on this machine with --threads: a fraction or a time "
        + "(0.5x, 3ms).", valueName: "time"))
  var targetLatency: String?

  @Option(
    help: ArgumentHelp(
      "The measured times of layers, for --target-latency: read where it fits, else written.",
      valueName: "file"))
  var latencyTable: String?

  /// The target that a flag names; nil for none.
  func target() throws(SparrowError) -> CompressionTarget? {
    let given = [
      (TargetKind.multiplyAdds, targetFlops), (.fileSize, targetSize), (.latency, targetLatency),
    ].compactMap { kind, text in text.map { (kind, $0) } }
    guard let (kind, text) = given.first else { return nil }
    guard given.count == 1 else {
      let flags = given.map { "--target-\($0.0.rawValue)" }.joined(separator: " and ")
      throw .badSetting("\(flags) are both given; give one target")
    }
    do throws(CompressError) {
      return try CompressionTarget(kind, text)
    } catch {
      throw .badSetting("--target-\(kind.rawValue): \(error.message)")
    }
  }

  /// How targets are measured on this machine.
  func measures(threads: Int, progress: Progress) throws(SparrowError) -> TargetMeasures {
    var known: LatencyTable?
    if let latencyTable, let data = FileManager.default.contents(atPath: latencyTable) {
      guard let table = try? JSONDecoder().decode(LatencyTable.self, from: data) else {
        throw .badInput("\(latencyTable) is no table of latencies; move it or name another file")
      }
      known = table
    }
    let path = latencyTable
    return TargetMeasures(
      session: SessionOptions(threads: threads), latencyTable: known,
      keepTable: { table throws(CompressError) in
        guard let path else { return }
        guard let text = try? encoded(table), (try? writeText(text, to: path)) != nil else {
          throw .measuring("the table of latencies cannot be written to \(path)")
        }
      }, progress: { stage, fraction in progress.update(fraction, stage) })
  }

  /// What became of targets, a line each.
  static func text(_ outcomes: [TargetOutcome]) -> String {
    outcomes.map { outcome in
      let kind = TargetKind(rawValue: outcome.kind) ?? .sparsity
      var parts = [
        "asked \(amount(outcome.asked, kind)) of \(amount(outcome.before, kind))",
        "predicted \(amount(outcome.predicted, kind))",
      ]
      if let measured = outcome.measured { parts.append("measured \(amount(measured, kind))") }
      return "\(kind.name): \(parts.joined(separator: ", "))"
    }.joined(separator: "\n")
  }

  private static func amount(_ value: Double, _ kind: TargetKind) -> String {
    switch kind {
    case .latency: Text.milliseconds(value)
    case .fileSize: Text.bytes(Int(value.rounded()))
    case .multiplyAdds: Text.count(Int(value.rounded()))
    case .sparsity: Text.percent(value)
    }
  }
}
