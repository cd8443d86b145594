import CPlatform

/// What each of many runs of the same work took.
package struct TimedRuns: Sendable {
  package var milliseconds: [Double] = []
  /// How long all took together.
  package var seconds = 0.0

  package init() {}

  /// Runs for `warmup` seconds, at least once, and then for `seconds`, at least five times, that count. `progress`
  /// is told the fraction done now and then.
  package init<E: Error>(
    seconds: Double, warmup: Double, progress: (Double) -> Void = { _ in },
    run: () throws(E) -> Void
  ) throws(E) {
    let warm = Self.clock() + warmup
    repeat { try run() } while Self.clock() < warm
    let begin = Self.clock()
    var start = begin
    while start < begin + seconds || milliseconds.count < 5 {
      try run()
      let now = Self.clock()
      milliseconds.append((now - start) * 1e3)
      start = now
      if milliseconds.count % 16 == 0 { progress((now - begin) / seconds) }
    }
    self.seconds = start - begin
  }

  private static func clock() -> Double { Double(sp_clock_ns()) * 1e-9 }

  /// Samples a second where each run takes `batch`.
  package func throughput(batch: Int) -> Double {
    Double(milliseconds.count * batch) / max(1e-9, seconds)
  }
}
