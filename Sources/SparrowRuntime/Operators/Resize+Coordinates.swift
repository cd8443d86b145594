import SparrowCore

extension Resize {
  /// One axis that changes: how output positions are found in the input.
  ///
  /// Arithmetic is in float32 as in common runtimes, so that ties fall the same way.
  struct Axis {
    let op: Resize
    let input: Int
    let output: Int
    let scale: Float

    /// The input coordinate of an output position, before clamping.
    func coordinate(_ position: Int) -> Float {
      let x = Float(position)
      switch op.coordinates {
      case .halfPixel: return (x + 0.5) / scale - 0.5
      case .pytorchHalfPixel: return output > 1 ? (x + 0.5) / scale - 0.5 : 0
      case .alignCorners: return output > 1 ? x * Float(input - 1) / Float(output - 1) : 0
      case .asymmetric: return x / scale
      case .halfPixelSymmetric:
        let adjustment = Float(output) / (scale * Float(input))
        let center = Float(input) / 2
        return center * (1 - adjustment) + (x + 0.5) / scale - 0.5
      }
    }

    /// The input position that nearest-neighbour resizing takes.
    func nearest(_ position: Int) -> Int {
      let x = coordinate(position)
      let rounded: Float
      switch op.rounding {
      case .roundPreferFloor: rounded = (x - 0.5).rounded(.up)
      case .roundPreferCeil: rounded = (x + 0.5).rounded(.down)
      case .floor: rounded = x.rounded(.down)
      case .ceil: rounded = x.rounded(.up)
      }
      return clamped(rounded)
    }

    /// The input positions that an output is a weighted sum of: 2 for linear, 4 for cubic.
    func taps(_ position: Int) -> (positions: [Int], weights: [Float]) {
      let x = coordinate(position)
      if op.mode == .linear {
        let inside = min(max(x, 0), Float(input - 1))
        let first = clamped(inside.rounded(.down))
        let fraction = inside - Float(first)
        return ([first, min(first + 1, input - 1)], [1 - fraction, fraction])
      }
      let first = x.rounded(.down)
      let fraction = x - first
      let positions = (-1...2).map { clamped(first + Float($0)) }
      return (positions, Self.cubicWeights(fraction))
    }

    private func clamped(_ x: Float) -> Int {
      // Written so that NaN, and a float that rounds above the last position, are safe.
      x > 0 ? min(Int(min(x, Float(input))), input - 1) : 0
    }

    /// Keys' cubic convolution with a = -0.75, ONNX's default.
    private static func cubicWeights(_ t: Float) -> [Float] {
      let a: Float = -0.75
      func near(_ d: Float) -> Float { ((a + 2) * d - (a + 3)) * d * d + 1 }
      func far(_ d: Float) -> Float { ((a * d - 5 * a) * d + 8 * a) * d - 4 * a }
      return [far(t + 1), near(t), near(1 - t), far(2 - t)]
    }
  }
}
