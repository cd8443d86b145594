import SparrowCore
import SparrowPasses

/// A layer's units in ascending order of score, equal scores in order of index.
enum AscendingOrder {
  /// The keys in ascending order.
  ///
  /// A radix sort: keys are dealt to 2,048 buckets by their upper 11 bits, then each bucket, small
  /// enough for a cache, is sorted by its lower 20 bits on any core.
  static func sortedKeys(of scores: Scores) -> [UInt32] {
    let count = scores.count
    let (keys, ends) = bucketed(scores)
    var sorted = keys
    sorted.withUnsafeMutableBufferPointer { sorted in
      nonisolated(unsafe) let sorted = sorted
      _ = Parallel.map(count == 0 ? 0 : ends.count) { bucket in
        let range = (bucket == 0 ? 0 : ends[bucket - 1])..<ends[bucket]
        if range.count > 1 { sort(UnsafeMutableBufferPointer(rebasing: sorted[range])) }
      }
    }
    return sorted
  }

  /// The units' indices in ascending order of score.
  static func sortedIndices(of scores: Scores) -> [Int] {
    scores.withKeys { keys in
      (0..<scores.count).sorted { (keys[$0], $0) < (keys[$1], $1) }
    }
  }

  private static var bucketShift: UInt32 { 20 }

  /// The keys by bucket, and where each bucket ends.
  private static func bucketed(_ scores: Scores) -> (keys: [UInt32], ends: [Int]) {
    var starts = [Int](repeating: 0, count: 2048)
    let keys = [UInt32](unsafeUninitializedCapacity: scores.count) { keys, initialized in
      starts.withUnsafeMutableBufferPointer { starts in
        scores.withKeys { source in
          for i in 0..<scores.count { starts[Int(source[i] >> bucketShift)] += 1 }
          var next = 0
          for bucket in starts.indices { (starts[bucket], next) = (next, next + starts[bucket]) }
          for i in 0..<scores.count {
            let bucket = Int(source[i] >> bucketShift)
            keys[starts[bucket]] = source[i]
            starts[bucket] += 1
          }
        }
      }
      initialized = scores.count
    }
    return (keys, starts)
  }

  /// Sorts keys that agree in their upper bits: two stable passes over 10 bits each.
  private static func sort(_ keys: UnsafeMutableBufferPointer<UInt32>) {
    guard keys.count > 2048 else {
      var keys = keys
      return keys.sort()
    }
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: keys.count) { other in
      scatter(keys, to: other, shift: 0)
      scatter(other, to: keys, shift: 10)
    }
  }

  private static func scatter(
    _ source: UnsafeMutableBufferPointer<UInt32>, to target: UnsafeMutableBufferPointer<UInt32>,
    shift: UInt32
  ) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 1024) { starts in
      starts.initialize(repeating: 0)
      for key in source { starts[Int(key >> shift & 1023)] += 1 }
      var next = 0
      for digit in starts.indices { (starts[digit], next) = (next, next + starts[digit]) }
      for key in source {
        let digit = Int(key >> shift & 1023)
        target[starts[digit]] = key
        starts[digit] += 1
      }
    }
  }
}
