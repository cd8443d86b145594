import SparrowCore

/// A layer's units in ascending order of score, equal scores in order of index.
enum AscendingOrder {
  /// The keys in ascending order. Radix sort, least significant digit first, 11 + 10 + 10 bits.
  static func sortedKeys(of scores: Scores) -> [UInt32] {
    let count = scores.count
    var keys = [UInt32](unsafeUninitializedCapacity: count) { buffer, initialized in
      scores.withKeys { source in
        for i in 0..<count { buffer[i] = source[i] }
      }
      initialized = count
    }
    var other = [UInt32](unsafeUninitializedCapacity: count) {
      $1 = count; _ = $0
    }
    for (shift, bits) in [(0, 11), (11, 10), (21, 10)] {
      scatter(keys, to: &other, shift: UInt32(shift), bits: UInt32(bits))
      swap(&keys, &other)
    }
    return keys
  }

  /// The units' indices in ascending order of score.
  static func sortedIndices(of scores: Scores) -> [Int] {
    scores.withKeys { keys in
      (0..<scores.count).sorted { (keys[$0], $0) < (keys[$1], $1) }
    }
  }

  /// One pass of the sort: stable by the digit at `shift`.
  private static func scatter(
    _ source: [UInt32], to target: inout [UInt32], shift: UInt32, bits: UInt32
  ) {
    let mask = (UInt32(1) << bits) - 1
    var starts = [Int](repeating: 0, count: 1 << Int(bits))
    starts.withUnsafeMutableBufferPointer { starts in
      source.withUnsafeBufferPointer { source in
        target.withUnsafeMutableBufferPointer { target in
          for key in source { starts[Int(key >> shift & mask)] += 1 }
          var next = 0
          for digit in starts.indices {
            (starts[digit], next) = (next, next + starts[digit])
          }
          for key in source {
            let digit = Int(key >> shift & mask)
            target[starts[digit]] = key
            starts[digit] += 1
          }
        }
      }
    }
  }
}
