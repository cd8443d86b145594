import Foundation

/// Numbers as people read them.
enum Text {
  /// `1.23 MB`; powers of 1000.
  static func bytes(_ count: Int) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"]
    var value = Double(count)
    var unit = 0
    while value >= 999.5, unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    return unit == 0 ? "\(count) B" : "\(significant(value)) \(units[unit])"
  }

  /// `4.09 G`; powers of 1000.
  static func count(_ count: Int) -> String {
    let units = ["", " k", " M", " G", " T"]
    var value = Double(count)
    var unit = 0
    while value >= 999.5, unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    return unit == 0 ? "\(count)" : "\(significant(value))\(units[unit])"
  }

  static func percent(_ fraction: Double) -> String {
    String(format: "%.2f %%", 100 * fraction)
  }

  static func duration(_ duration: Duration) -> String {
    let seconds =
      Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    return milliseconds(seconds * 1e3)
  }

  static func milliseconds(_ value: Double) -> String {
    if value < 1 { return "\(significant(value * 1e3)) us" }
    return value < 10_000 ? "\(significant(value)) ms" : "\(significant(value / 1e3)) s"
  }

  /// Three digits or more.
  static func significant(_ value: Double) -> String {
    let magnitude = abs(value)
    return String(format: magnitude >= 100 ? "%.0f" : magnitude >= 10 ? "%.1f" : "%.2f", value)
  }

  /// Rows as columns of equal width: the first flush left, the others right.
  static func table(_ rows: [[String]]) -> String {
    var widths: [Int] = []
    for row in rows {
      for (i, cell) in row.enumerated() {
        if i == widths.count { widths.append(0) }
        widths[i] = max(widths[i], cell.count)
      }
    }
    return rows.map { row in
      let cells = row.enumerated().map { i, cell in
        let space = String(repeating: " ", count: widths[i] - cell.count)
        return i == 0 ? cell + space : space + cell
      }
      return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }
}

extension Text {
  /// Five significant digits, in whichever notation is shorter.
  static func compact(_ value: Double) -> String { String(format: "%.5g", value) }
}
