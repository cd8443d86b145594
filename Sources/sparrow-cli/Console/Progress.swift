import Foundation
import Sparrow

/// A bar on standard error, drawn only where that is a terminal and nobody asked for quiet.
final class Progress {
  private let title: String
  private let isShown: Bool
  private var drawn = ""
  private let start = ContinuousClock.now

  init(_ title: String, _ options: CommonOptions) {
    self.title = title
    isShown = !options.quiet && isatty(2) == 1
  }

  /// Draws the bar where it changed, with the time left and what is being done. `fraction` is
  /// clamped to 0...1.
  func update(_ fraction: Double, _ stage: String = "") {
    guard isShown, !fraction.isNaN else { return }
    let done = max(0, min(1, fraction))
    let width = 40
    let filled = Int(done * Double(width))
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
    let line = ["\(title) [\(bar)]", timeLeft(done), String(stage.suffix(30))]
      .filter { !$0.isEmpty }.joined(separator: " ")
    guard line != drawn else { return }
    drawn = line
    write("\r\u{1B}[K" + line)
  }

  /// From the pace so far; nothing in the first seconds, when it says little.
  private func timeLeft(_ done: Double) -> String {
    let spent = ContinuousClock.now - start
    guard spent > .seconds(2), done > 0.01, done < 1 else { return "" }
    let seconds = Int((spent / .seconds(1)) * (1 - done) / done)
    return seconds < 90 ? "\(seconds) s left" : "\((seconds + 30) / 60) min left"
  }

  /// Wipes the bar.
  func finish() {
    if !drawn.isEmpty { write("\r\u{1B}[K") }
    drawn = ""
  }

  deinit { finish() }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
