import CPlatform
import SparrowCore

/// Numbers as people read them.
package enum Text {
  /// `1.23 MB`; powers of 1000.
  package static func bytes(_ count: Int) -> String {
    scaled(count, [" B", " kB", " MB", " GB", " TB"])
  }

  /// `4.09 G`; powers of 1000.
  package static func count(_ count: Int) -> String { scaled(count, ["", " k", " M", " G", " T"]) }

  private static func scaled(_ count: Int, _ units: [String]) -> String {
    var value = Double(count)
    var unit = 0
    while value >= 999.5, unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    return (unit == 0 ? "\(count)" : significant(value)) + units[unit]
  }

  package static func percent(_ fraction: Double) -> String {
    fixed(100 * fraction, 2) + " %"
  }

  package static func milliseconds(_ value: Double) -> String {
    if value < 1 { return "\(significant(value * 1e3)) us" }
    return value < 10_000 ? "\(significant(value)) ms" : "\(significant(value / 1e3)) s"
  }

  /// Three digits or more.
  package static func significant(_ value: Double) -> String {
    let magnitude = abs(value)
    return fixed(value, magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2)
  }

  /// Rows as columns of equal width: the first flush left, the others right.
  package static func table(_ rows: [[String]]) -> String {
    var widths: [Int] = []
    for row in rows {
      for (i, cell) in row.enumerated() {
        if i == widths.count { widths.append(0) }
        widths[i] = max(widths[i], cell.unicodeScalars.count)
      }
    }
    return rows.map { row in
      let cells = row.enumerated().map { i, cell in
        let space = String(repeating: " ", count: widths[i] - cell.unicodeScalars.count)
        return i == 0 ? cell + space : space + cell
      }
      return withoutSpaceAtEnd(cells.joined(separator: "  "))
    }.joined(separator: "\n")
  }
}

extension Text {
  /// Five significant digits, in whichever notation is shorter.
  package static func compact(_ value: Double) -> String { number(value, 5, .shorter) }
}

extension Text {
  /// With a fixed number of digits after the point.
  package static func fixed(_ value: Double, _ digits: Int32) -> String {
    number(value, digits, .fixed)
  }

  private enum Style { case fixed, shorter }

  /// As C's printf writes it: with digits after the point, or with so many significant ones.
  private static func number(_ value: Double, _ digits: Int32, _ style: Style) -> String {
    let capacity = 400
    var bytes = [UInt8](repeating: 0, count: capacity)
    let count = bytes.withUnsafeMutableBytes {
      sp_format_number($0.baseAddress, capacity, style == .fixed, digits, value)
    }
    return String(decoding: bytes.prefix(Int(count)), as: UTF8.self)
  }

  private static func withoutSpaceAtEnd(_ text: String) -> String {
    let bytes = Array(text.utf8)
    let end = bytes.lastIndex { $0 != UInt8(ascii: " ") }
    return String(decoding: bytes.prefix(end.map { $0 + 1 } ?? 0), as: UTF8.self)
  }
}
