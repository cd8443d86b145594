import SparrowCore

/// Loops over float32 vectors whose results do not depend on how they are split.
enum VectorLoops {
  /// The sum of squares, in float64: eight sums of every eighth element, added in a fixed order.
  static func sumOfSquares(_ x: UnsafeMutableBufferPointer<Float>) -> Double {
    guard let base = x.baseAddress else { return 0 }
    let raw = UnsafeRawPointer(base)
    let whole = x.count / 8 * 8
    var sums = SIMD8<Double>.zero
    var i = 0
    while i < whole {
      let values = SIMD8<Double>(raw.loadUnaligned(fromByteOffset: i * 4, as: SIMD8<Float>.self))
      sums += values * values
      i += 8
    }
    var rest = 0.0
    while i < x.count {
      rest += Double(base[i]) * Double(base[i])
      i += 1
    }
    return sums.sum() + rest
  }

  /// Multiplies every element.
  static func scale(_ x: UnsafeMutableBufferPointer<Float>, by factor: Float) {
    guard let base = x.baseAddress else { return }
    for i in 0..<x.count { base[i] *= factor }
  }

  /// The number of elements that are 0.
  static func zeroCount(_ x: UnsafeBufferPointer<Float>) -> Int {
    guard let base = x.baseAddress else { return 0 }
    var count = 0
    for i in 0..<x.count { count &+= base[i] == 0 ? 1 : 0 }
    return count
  }
}
