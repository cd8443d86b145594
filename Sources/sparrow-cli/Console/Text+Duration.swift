import SparrowHost

extension Text {
  static func duration(_ duration: Duration) -> String {
    let seconds =
      Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    return milliseconds(seconds * 1e3)
  }
}
