@testable import SparrowRuntime
import SparrowCore
import SparrowTestSupport

extension SeededGenerator {
  mutating func floats(_ count: Int, sparsity: Double = 0) -> [Float] {
    (0..<count).map { _ in
      let value = Float.random(in: -1...1, using: &self)
      return Double.random(in: 0..<1, using: &self) < sparsity ? 0 : value
    }
  }
}

/// Plain loops in float64 that the runtime's results are compared with.
enum Reference {
  struct Convolution {
    var batch = 1
    var inputs: Int
    var outputs: Int
    var height: Int
    var width: Int
    var kernel = (1, 1)
    var stride = 1
    var pad = 0
    var dilation = 1
    var group = 1

    var outHeight: Int { (height + 2 * pad - (kernel.0 - 1) * dilation - 1) / stride + 1 }
    var outWidth: Int { (width + 2 * pad - (kernel.1 - 1) * dilation - 1) / stride + 1 }
    var weightShape: [Int] { [outputs, inputs / group, kernel.0, kernel.1] }
    var op: Conv {
      Conv(
        window: Window(
          strides: [stride, stride], pads: [pad, pad, pad, pad], dilations: [dilation, dilation]),
        group: group)
    }
  }

  static func convolve(_ c: Convolution, _ x: [Float], _ w: [Float], _ bias: [Float]) -> [Double] {
    var y: [Double] = []
    let perGroup = c.inputs / c.group
    for n in 0..<c.batch {
      for o in 0..<c.outputs {
        for oy in 0..<c.outHeight {
          for ox in 0..<c.outWidth {
            var sum = Double(bias[o])
            for i in 0..<perGroup {
              let channel = o / (c.outputs / c.group) * perGroup + i
              for ky in 0..<c.kernel.0 {
                for kx in 0..<c.kernel.1 {
                  let iy = oy * c.stride + ky * c.dilation - c.pad
                  let ix = ox * c.stride + kx * c.dilation - c.pad
                  guard iy >= 0, iy < c.height, ix >= 0, ix < c.width else { continue }
                  let value = x[((n * c.inputs + channel) * c.height + iy) * c.width + ix]
                  let weight = w[((o * perGroup + i) * c.kernel.0 + ky) * c.kernel.1 + kx]
                  sum += Double(value) * Double(weight)
                }
              }
            }
            y.append(sum)
          }
        }
      }
    }
    return y
  }

  static func multiply(_ a: [Float], _ b: [Float], m: Int, k: Int, n: Int) -> [Double] {
    var c = [Double](repeating: 0, count: m * n)
    for i in 0..<m {
      for j in 0..<n {
        for p in 0..<k { c[i * n + j] += Double(a[i * k + p]) * Double(b[p * n + j]) }
      }
    }
    return c
  }
}

/// Float32 sums of up to a few thousand terms of size 1.
let sumTolerance = 2e-5

/// The largest difference relative to the largest magnitude expected.
func difference(_ found: [Float], _ expected: [Double]) -> Double {
  guard found.count == expected.count else { return .infinity }
  let scale = max(1, expected.map { abs($0) }.max() ?? 1)
  let differences = zip(found, expected).map { $0.isNaN ? .infinity : abs(Double($0) - $1) }
  return (differences.max() ?? 0) / scale
}
