import CKernels
import SparrowCore
import SparrowPasses

/// Where a list of units in ascending order of score is cut: units below `threshold` go, and of
/// those at it the first `ties`, in order of index.
struct Cut: Equatable {
  var threshold: UInt32
  var ties: Int
}

/// Finds the lowest-scored units without sorting: a radix selection over 31-bit keys.
///
/// ```
/// key   0 | 15 bits: bin of the first histogram | 16 bits: bin of the second
/// ```
/// The first pass counts weights by the upper half of their keys and finds the bin in which the
/// target is reached; the second counts that bin's weights by the lower half. Three passes over
/// memory at most, whatever the number of weights; the result is exact.
///
/// The order is (score, list, index): of equal scores the earlier list and lower index go first.
/// Units go while that brings the number of dropped weights nearer to the target; a tie of distances
/// drops the unit.
enum LowestSelection {
  /// The cut of one list that drops `target` weights, to the nearest unit.
  static func cut(_ list: UnitScores, dropping target: Int) -> Cut {
    let (threshold, below) = threshold([list], dropping: target)
    guard let threshold else { return Cut(threshold: .max, ties: 0) }
    var dropped = below
    let ties = takeTies(of: list, at: threshold, dropped: &dropped, target: target).units
    return Cut(threshold: threshold, ties: ties)
  }

  /// How many weights each list loses when `target` weights go from all lists together.
  static func distribution(_ lists: [UnitScores], dropping target: Int) -> [Int] {
    let (threshold, below) = threshold(lists, dropping: target)
    guard let threshold else { return lists.map { $0.weightCount } }
    var result = Parallel.map(lists.count) { weights(of: lists[$0], below: threshold) }
    var dropped = below
    for i in lists.indices {
      let ties = takeTies(of: lists[i], at: threshold, dropped: &dropped, target: target)
      result[i] += ties.weights
      if ties.isLast { break }
    }
    return result
  }

  /// The key in which the target is reached, and the weights below it; nil when all units go.
  private static func threshold(
    _ lists: [UnitScores], dropping target: Int
  ) -> (key: UInt32?, below: Int) {
    let spans = spans(of: lists)
    let upper = sum(Parallel.map(spans.count) { upperHistogram(lists, spans[$0]) })
    guard let (top, belowTop) = crossing(upper, from: 0, target) else { return (nil, 0) }
    let lower = sum(Parallel.map(spans.count) { lowerHistogram(lists, spans[$0], UInt32(top)) })
    guard let (low, below) = crossing(lower, from: belowTop, target) else {
      preconditionFailure("the second histogram holds the first one's bin")
    }
    return (UInt32(top) << 16 | UInt32(low), below)
  }

  /// The first bin whose weights go beyond `target`, and the weights before it.
  private static func crossing(
    _ bins: [UInt64], from start: Int, _ target: Int
  ) -> (bin: Int, below: Int)? {
    bins.withUnsafeBufferPointer { bins in
      var below = start
      var bin = 0
      while bin < bins.count {
        let next = below + Int(bins[bin])
        if next > target { return (bin, below) }
        below = next
        bin += 1
      }
      return nil
    }
  }

  /// Drops units at the threshold in order while that brings `dropped` nearer to `target`.
  private static func takeTies(
    of list: UnitScores, at threshold: UInt32, dropped: inout Int, target: Int
  ) -> (units: Int, weights: Int, isLast: Bool) {
    guard dropped < target else { return (0, 0, true) }
    let before = dropped
    var now = dropped
    var units = 0
    let isLast = list.scores.withKeys { keys in
      for i in 0..<list.count where keys[i] == threshold {
        let size = list.sizes.map { Int($0[i]) } ?? 1
        guard 2 * now + size <= 2 * target else { return true }
        now += size
        units += 1
        if now == target { return true }
      }
      return false
    }
    dropped = now
    return (units, now - before, isLast)
  }
}

extension LowestSelection {
  /// A range of units of one list.
  struct Span: Sendable {
    var list: Int
    var units: Range<Int>
  }

  private static var spanLength: Int { 1 << 18 }
  private static var binCount: Int { 1 << 16 }

  private static func spans(of lists: [UnitScores]) -> [[Span]] {
    let total = lists.reduce(0) { $0 + $1.count }
    let workers = min(Parallel.workers, max(1, total / (1 << 16)))
    var result = [[Span]](repeating: [], count: workers)
    var next = 0
    for (i, list) in lists.enumerated() {
      for start in stride(from: 0, to: list.count, by: spanLength) {
        let end = min(list.count, start + spanLength)
        result[next % workers].append(Span(list: i, units: start..<end))
        next += 1
      }
    }
    return result
  }

  private static func sum(_ parts: [[UInt64]]) -> [UInt64] {
    guard var result = parts.first else { return [] }
    for part in parts.dropFirst() {
      for i in result.indices { result[i] &+= part[i] }
    }
    return result
  }

  /// Weights by the upper 15 bits of their keys.
  private static func upperHistogram(_ lists: [UnitScores], _ spans: [Span]) -> [UInt64] {
    var bins = [UInt64](repeating: 0, count: binCount)
    bins.withUnsafeMutableBufferPointer { bins in
      guard let base = bins.baseAddress else { return }
      for span in spans {
        let list = lists[span.list]
        list.scores.withKeys { keys in
          if let sizes = list.sizes {
            for i in span.units { base[Int(keys[i] >> 16)] &+= UInt64(sizes[i]) }
          } else {
            let first = keys.pointer + span.units.lowerBound * 4
            sp_kernels_best().pointee.f32_abs_histogram(span.units.count, first, base)
          }
        }
      }
    }
    return bins
  }

  /// Weights whose upper bits are `top`, by the lower 16 bits.
  private static func lowerHistogram(
    _ lists: [UnitScores], _ spans: [Span], _ top: UInt32
  ) -> [UInt64] {
    var bins = [UInt64](repeating: 0, count: binCount)
    bins.withUnsafeMutableBufferPointer { bins in
      guard let base = bins.baseAddress else { return }
      for span in spans {
        let list = lists[span.list]
        list.scores.withKeys { keys in
          for i in span.units where keys[i] >> 16 == top {
            base[Int(keys[i] & 0xffff)] &+= list.sizes.map { UInt64($0[i]) } ?? 1
          }
        }
      }
    }
    return bins
  }

  /// The weights of the units below a key.
  private static func weights(of list: UnitScores, below threshold: UInt32) -> Int {
    list.scores.withKeys { keys in
      var result = 0
      if let sizes = list.sizes {
        for i in 0..<list.count where keys[i] < threshold { result += Int(sizes[i]) }
      } else {
        for i in 0..<list.count { result &+= keys[i] < threshold ? 1 : 0 }
      }
      return result
    }
  }
}
