import Foundation

/// Numbers as people read them, the same in every locale.
enum Quantity {
  /// `25,502,912`.
  static func count(_ value: Int) -> String {
    let digits = String(value.magnitude)
    var text = ""
    for (i, digit) in digits.enumerated() {
      if i > 0, (digits.count - i) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return (value < 0 ? "-" : "") + text
  }

  /// `13.39 MB`: decimal units.
  static func bytes(_ value: Int) -> String { scaled(value, ["B", "kB", "MB", "GB", "TB"]) }

  /// `4.089 G`; `-` where it is not known.
  static func work(_ value: Int?) -> String {
    value.map { scaled($0, ["", "k", "M", "G", "T"]) } ?? "-"
  }

  /// `90.0 %`. What is not quite 0 or 100 is not shown as such.
  static func percent(_ fraction: Double) -> String {
    if fraction > 0, fraction < 0.0005 { return "<0.1 %" }
    if fraction < 1, fraction > 0.9995 { return ">99.9 %" }
    return fixed(100 * fraction, 1) + " %"
  }

  static func fixed(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }

  /// `1e-04`-like for small differences.
  static func difference(_ value: Double) -> String {
    value == 0 ? "0" : String(format: "%.3g", value)
  }

  static func shape(_ shape: [Int]) -> String {
    shape.map { String($0) }.joined(separator: "x")
  }

  private static func scaled(_ value: Int, _ units: [String]) -> String {
    var scaled = Double(value)
    var unit = 0
    while abs(scaled) >= 999.5, unit + 1 < units.count {
      scaled /= 1000
      unit += 1
    }
    let digits = unit == 0 ? 0 : scaled < 10 ? 3 : scaled < 100 ? 2 : 1
    return (fixed(scaled, digits) + " " + units[unit]).trimmingCharacters(in: .whitespaces)
  }
}
