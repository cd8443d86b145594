import CKernels
import SparrowCore

/// Sums that normalisations divide by, in float32 lanes and float64 between blocks.
enum Moments {
  private typealias Lanes = SIMD8<Float>

  /// The sum of (x - center)^2.
  static func squares(_ n: Int, _ x: UnsafePointer<Float>, center: Float) -> Double {
    var total = 0.0
    var first = 0
    while first < n {
      let count = min(1024, n - first)
      total += Double(block(count, x + first, center))
      first += count
    }
    return total
  }

  private static func block(_ n: Int, _ x: UnsafePointer<Float>, _ center: Float) -> Float {
    var (a, b) = (Lanes(repeating: 0), Lanes(repeating: 0))
    let middle = Lanes(repeating: center)
    let pairs = n / 16 * 16
    let raw = UnsafeRawPointer(x)
    for i in stride(from: 0, to: pairs, by: 16) {
      let p = raw.loadUnaligned(fromByteOffset: 4 * i, as: Lanes.self) - middle
      let q = raw.loadUnaligned(fromByteOffset: 4 * i + 32, as: Lanes.self) - middle
      a += p * p
      b += q * q
    }
    var sum = (a + b).sum()
    for i in pairs..<n { sum += (x[i] - center) * (x[i] - center) }
    return sum
  }
}
