@testable import SparrowRuntime
import SparrowCore
import SparrowTestSupport

extension SeededGenerator {
  /// Numbers in -1 ..< 1, and zeros.
  mutating func floats(_ count: Int, sparsity: Double = 0) -> [Float] {
    var values = [Float](repeating: 0, count: count)
    for i in 0..<count {
      let value = Float(Int64(bitPattern: next()) >> 40) * 0x1p-23
      if sparsity == 0 || fraction() >= sparsity { values[i] = value }
    }
    return values
  }

  /// In 0 ..< 1.
  mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }
}

/// Plain loops in float64 that the runtime's results are compared with.
enum Reference {
  struct Convolution {
    var batch: Int
    var inputs: Int
    var outputs: Int
    var height: Int
    var width: Int
    var kernel: (Int, Int)
    var strides: (Int, Int)
    /// Top, left, bottom, right.
    var pads: [Int]
    var dilation: Int
    var group: Int

    init(
      batch: Int = 1, inputs: Int, outputs: Int, height: Int, width: Int,
      kernel: (Int, Int) = (1, 1),
      strides: (Int, Int), pads: [Int] = [0, 0, 0, 0], dilation: Int = 1, group: Int = 1
    ) {
      (self.batch, self.inputs, self.outputs, self.height) = (batch, inputs, outputs, height)
      (self.width, self.kernel, self.strides, self.pads) = (width, kernel, strides, pads)
      (self.dilation, self.group) = (dilation, group)
    }

    /// Alike on both axes and all sides.
    init(
      batch: Int = 1, inputs: Int, outputs: Int, height: Int, width: Int,
      kernel: (Int, Int) = (1, 1),
      stride: Int = 1, pad: Int = 0, dilation: Int = 1, group: Int = 1
    ) {
      self.init(
        batch: batch, inputs: inputs, outputs: outputs, height: height, width: width,
        kernel: kernel, strides: (stride, stride), pads: [pad, pad, pad, pad], dilation: dilation,
        group: group)
    }

    var outHeight: Int {
      (height + pads[0] + pads[2] - (kernel.0 - 1) * dilation - 1) / strides.0 + 1
    }
    var outWidth: Int {
      (width + pads[1] + pads[3] - (kernel.1 - 1) * dilation - 1) / strides.1 + 1
    }
    var inputShape: [Int] { [batch, inputs, height, width] }
    var weightShape: [Int] { [outputs, inputs / group, kernel.0, kernel.1] }
    var outputShape: [Int] { [batch, outputs, outHeight, outWidth] }
    /// Whether the window fits into the padded input.
    var isDefined: Bool {
      height + pads[0] + pads[2] > (kernel.0 - 1) * dilation
        && width + pads[1] + pads[3] > (kernel.1 - 1) * dilation
    }
    var op: Conv {
      Conv(
        window: Window(
          strides: [strides.0, strides.1], pads: pads, dilations: [dilation, dilation]),
        group: group)
    }
  }

  /// Weights of 0 are skipped.
  static func convolve(_ c: Convolution, _ x: [Float], _ w: [Float], _ bias: [Float]) -> [Double] {
    let (outHeight, outWidth, perGroup) = (c.outHeight, c.outWidth, c.inputs / c.group)
    let positions = c.kernel.0 * c.kernel.1
    var result = [Double](repeating: 0, count: c.outputShape.elementCount)
    result.withUnsafeMutableBufferPointer { y in
      x.withUnsafeBufferPointer { x in
        var out = 0
        for n in 0..<c.batch {
          for o in 0..<c.outputs {
            for i in out..<(out + outHeight * outWidth) { y[i] = Double(bias[o]) }
            for i in 0..<(perGroup * positions) where w[o * perGroup * positions + i] != 0 {
              let weight = Double(w[o * perGroup * positions + i])
              let channel = o / (c.outputs / c.group) * perGroup + i / positions
              let plane = (n * c.inputs + channel) * c.height * c.width
              let (ky, kx) = (i % positions / c.kernel.1, i % c.kernel.1)
              for oy in 0..<outHeight {
                let iy = oy * c.strides.0 + ky * c.dilation - c.pads[0]
                guard iy >= 0, iy < c.height else { continue }
                var ix = kx * c.dilation - c.pads[1]
                for ox in 0..<outWidth {
                  if ix >= 0, ix < c.width {
                    y[out + oy * outWidth + ox] += Double(x[plane + iy * c.width + ix]) * weight
                  }
                  ix += c.strides.1
                }
              }
            }
            out += outHeight * outWidth
          }
        }
      }
    }
    return result
  }

  /// Elements of `b` that are 0 are skipped.
  static func multiply(_ a: [Float], _ b: [Float], m: Int, k: Int, n: Int) -> [Double] {
    var result = [Double](repeating: 0, count: m * n)
    result.withUnsafeMutableBufferPointer { c in
      a.withUnsafeBufferPointer { a in
        for p in 0..<k {
          for j in 0..<n where b[p * n + j] != 0 {
            let weight = Double(b[p * n + j])
            for i in 0..<m { c[i * n + j] += Double(a[i * k + p]) * weight }
          }
        }
      }
    }
    return result
  }
}

/// Float32 sums of up to a few thousand terms of size 1.
let sumTolerance = 2e-5

/// The largest difference relative to the largest magnitude expected.
func difference(_ found: [Float], _ expected: [Double]) -> Double {
  guard found.count == expected.count else { return .infinity }
  var (scale, worst) = (1.0, 0.0)
  for i in 0..<found.count {
    let difference = abs(Double(found[i]) - expected[i])
    worst = difference.isNaN ? .infinity : max(worst, difference)
    scale = max(scale, abs(expected[i]))
  }
  return worst / scale
}
