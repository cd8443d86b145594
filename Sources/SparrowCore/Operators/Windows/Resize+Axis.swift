extension Resize {
  /// How positions along one axis of the output are found in the input.
  ///
  /// Arithmetic is in float32 as in common runtimes, so that ties fall the same way.
  public struct Axis: Sendable {
    public let op: Resize
    public let input: Int
    public let output: Int
    public let scale: Float
    /// The part of the axis that is shown, of its length.
    let region: (start: Float, end: Float)
    /// The output's length before rounding.
    private let width: Float

    init(
      op: Resize, input: Int, output: Int, givenScale: Float?,
      region: (start: Float, end: Float)
    ) {
      (self.op, self.input, self.output, self.region) = (op, input, output, region)
      scale = givenScale ?? Float(output) / Float(input)
      width = givenScale.map { $0 * Float(input) } ?? Float(output)
    }

    /// Whether every output position shows the input position of the same number.
    public var isUnchanged: Bool { input == output && scale == 1 && region == (0, 1) }

    /// The input coordinate of an output position, before clamping.
    func coordinate(_ position: Int) -> Float {
      let x = Float(position)
      let last = Float(input - 1)
      switch op.coordinates {
      case .halfPixel: return (x + 0.5) / scale - 0.5
      case .pytorchHalfPixel: return output > 1 ? (x + 0.5) / scale - 0.5 : 0
      case .alignCorners: return output > 1 ? x * last / Float(output - 1) : 0
      case .asymmetric: return x / scale
      case .halfPixelSymmetric:
        let adjustment = Float(output) / width
        let center = Float(input) / 2
        return center * (1 - adjustment) + (x + 0.5) / scale - 0.5
      case .cropAndResize:
        let (start, end) = region
        guard output > 1 else { return (start + end) / 2 * last }
        return start * last + x * (end - start) * last / Float(output - 1)
      }
    }

    /// Whether an output position shows the extrapolation value.
    public func isOutside(_ position: Int) -> Bool {
      guard op.coordinates == .cropAndResize else { return false }
      let x = coordinate(position)
      return !(x >= 0 && x <= Float(input - 1))
    }

    /// The input position that nearest-neighbour resizing takes.
    public func nearest(_ position: Int) -> Int {
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

    /// The number of ``taps(_:)``.
    var tapCount: Int { 2 * reach }

    /// How far the filter reaches.
    private var reach: Int {
      let radius: Float = op.mode == .linear ? 1 : 2
      guard op.antialiases, scale < 1 else { return Int(radius) }
      // Beyond the whole axis on either side there is nothing to see.
      return Int(Swift.min((radius / scale).rounded(.up), Float(2 * input) + radius))
    }

    /// The input positions that an output is a weighted sum of, a fixed number of them.
    public func taps(_ position: Int) -> (positions: [Int], weights: [Float]) {
      let x = coordinate(position)
      let spread = op.antialiases ? Swift.min(scale, 1) : 1
      if op.mode == .linear, spread == 1 {
        let inside = min(max(x, 0), Float(input - 1))
        let first = clamped(inside.rounded(.down))
        let fraction = inside - Float(first)
        return ([first, min(first + 1, input - 1)], [1 - fraction, fraction])
      }
      let reach = self.reach
      let first = x.rounded(.down)
      let cubic = CubicConvolution(a: Double(op.cubicCoefficient))
      var (positions, weights): ([Int], [Double]) = ([], [])
      for i in 1 - reach...reach {
        let at = first + Float(i)
        let distance = Double((at - x) * spread)
        let isInside = at >= 0 && at <= Float(input - 1)
        positions.append(clamped(at))
        if op.excludesOutside && !isInside {
          weights.append(0)
        } else {
          weights.append(
            op.mode == .linear ? max(0, 1 - Swift.abs(distance)) : cubic.weight(distance))
        }
      }
      let sum = weights.reduce(0, +)
      let isNormalized = spread == 1 && !op.excludesOutside || sum == 0
      return (positions, weights.map { Float(isNormalized ? $0 : $0 / sum) })
    }

    private func clamped(_ x: Float) -> Int {
      // Written so that NaN, and a float that rounds above the last position, are safe.
      x > 0 ? min(Int(min(x, Float(input))), input - 1) : 0
    }
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, shape) = (try x.tensor(0), try outputShape(x))
    let axes: [Axis]
    do throws(InferenceError) {
      axes = try resizedAxes(x.context, input: tensor.shape)
    } catch {
      throw ComputeError(error)
    }
    guard tensor.count > 0 || shape.elementCount == 0 else { throw ComputeError("x is empty") }
    guard shape.elementCount > 0 else { return [Tensor(tensor.dtype, shape, words: [])] }
    if mode == .nearest, coordinates != .cropAndResize, !tensor.dtype.isFloatingPoint {
      // 64-bit integers may not fit float64: their positions do.
      let positions = Tensor((0..<tensor.count).map { Double($0) }, shape: tensor.shape)
      var operands = x.tensors
      operands[0] = positions
      let words = tensor.words
      let found = try compute(Operands(operands))[0].doubles
      return [Tensor(tensor.dtype, shape, words: found.map { words[Int($0)] })]
    }
    var (values, current) = (tensor.doubles, tensor.shape)
    for (i, axis) in axes.enumerated() where !axis.isUnchanged {
      let view = AxisView(current, axis: i)
      values = along(axis, values, view)
      current[i] = axis.output
    }
    return [Tensor(tensor.dtype, shape, doubles: values)]
  }

  private func along(_ axis: Axis, _ x: [Double], _ view: AxisView) -> [Double] {
    let sources = (0..<axis.output).map { position in
      mode == .nearest ? ([axis.nearest(position)], [Float(1)]) : axis.taps(position)
    }
    let outside = (0..<axis.output).map { axis.isOutside($0) }
    var result: [Double] = []
    result.reserveCapacity(view.outer * axis.output * view.inner)
    for outer in 0..<view.outer {
      for i in 0..<axis.output {
        for inner in 0..<view.inner {
          guard !outside[i] else {
            result.append(Double(extrapolationValue))
            continue
          }
          var sum = 0.0
          for (position, weight) in zip(sources[i].0, sources[i].1) where weight != 0 {
            sum += x[(outer * view.length + position) * view.inner + inner] * Double(weight)
          }
          result.append(sum)
        }
      }
    }
    return result
  }
}
