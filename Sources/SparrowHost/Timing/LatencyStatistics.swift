import SparrowCore

/// What many times of the same work say, in their unit.
public struct LatencyStatistics: Sendable {
  public var median = 0.0
  public var mean = 0.0
  public var min = 0.0
  public var p95 = 0.0
  public var p99 = 0.0

  /// Percentiles by the nearest rank; zeros where there are no times.
  public init(_ times: [Double]) {
    let sorted = times.sorted()
    guard let first = sorted.first else { return }
    func percentile(_ p: Double) -> Double {
      let rank = (p * Double(sorted.count)).rounded(.up)
      return sorted[Swift.max(0, Swift.min(sorted.count - 1, Int(rank) - 1))]
    }
    let middle = sorted.count / 2
    median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    mean = sorted.reduce(0, +) / Double(sorted.count)
    min = first
    p95 = percentile(0.95)
    p99 = percentile(0.99)
  }

  /// Two lines of a report: latencies in milliseconds, samples a second.
  package func text(throughput: Double, runs: Int) -> String {
    let text = Text.milliseconds
    return "latency     median \(text(median)), mean \(text(mean)), min \(text(min)), "
      + "p95 \(text(p95)), p99 \(text(p99))"
      + "\nthroughput  \(Text.significant(throughput)) samples/s over \(runs) runs"
  }
}

#if !hasFeature(Embedded)
  extension LatencyStatistics: Codable {}
#endif
