import SparrowTrain

/// The epochs of a run as a file that other programs read: CSV with a header, or by JSON Lines an object
/// an epoch. What is not known is empty, or left out.
public struct MetricsFile: Sendable {
  public enum Format: String, CaseIterable, Sendable {
    case csv, jsonl
  }

  public let path: String
  public let format: Format

  /// By the path's extension.
  public init(_ path: String) throws(SparrowError) {
    let name = path.split(separator: "/").last ?? ""
    let suffix = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
    guard name.contains("."), let format = Format(rawValue: suffix) else {
      throw .unknownFormat(path: path, expected: ".csv or .jsonl")
    }
    (self.path, self.format) = (path, format)
  }

  /// Replaces the file by one of these epochs.
  public func write(_ history: [EpochMetrics]) throws(SparrowError) {
    try writeText(text(history), to: path)
  }

  func text(_ history: [EpochMetrics]) -> String {
    switch format {
    case .csv:
      let names = EpochMetrics.columnNames.joined(separator: ",")
      let rows = history.map { metrics in
        metrics.columns.map { $0.value.map(number) ?? "" }.joined(separator: ",")
      }
      return ([names] + rows).map { $0 + "\n" }.joined()
    case .jsonl:
      return history.map { metrics in
        let pairs = metrics.columns.compactMap { name, value in
          value.map { "\"\(name)\": \(number($0))" }
        }
        return "{" + pairs.joined(separator: ", ") + "}\n"
      }.joined()
    }
  }

  /// The shortest text that reads as the same number; whole numbers without a fraction.
  private func number(_ value: Double) -> String {
    if let whole = Int(exactly: value), abs(whole) < 1 << 53 { return "\(whole)" }
    return "\(value)"
  }
}
