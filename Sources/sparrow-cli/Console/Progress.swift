import Foundation
import Sparrow

/// A bar on standard error, drawn only where that is a terminal and nobody asked for quiet.
final class Progress {
  private let title: String
  private let isShown: Bool
  private var drawn = -1

  init(_ title: String, _ options: CommonOptions) {
    self.title = title
    isShown = !options.quiet && isatty(2) == 1
  }

  /// Draws the bar where it changed. `fraction` is clamped to 0...1.
  func update(_ fraction: Double) {
    guard isShown, !fraction.isNaN else { return }
    let width = 40
    let filled = Int(max(0, min(1, fraction)) * Double(width))
    guard filled != drawn else { return }
    drawn = filled
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
    write("\r\(title) [\(bar)]")
  }

  /// Wipes the bar.
  func finish() {
    if drawn >= 0 { write("\r\u{1B}[K") }
    drawn = -1
  }

  deinit { finish() }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
