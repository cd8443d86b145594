/// ONNX GridSample: interpolates x at the points of a grid. Inputs: x `[N, C, ...]` with r spatial axes,
/// grid `[N, ..., r]`: points with coordinates from -1 to 1, the last axis of x first.
public struct GridSample: Operator {
  public enum Mode: AttributeChoice {
    case linear, nearest, cubic
    public var name: String {
      switch self {
      case .linear: "linear"
      case .nearest: "nearest"
      case .cubic: "cubic"
      }
    }
  }

  /// What points outside x show.
  public enum Padding: AttributeChoice {
    case zeros, border, reflection
    public var name: String {
      switch self {
      case .zeros: "zeros"
      case .border: "border"
      case .reflection: "reflection"
      }
    }
  }

  public var mode = Mode.linear
  public var padding = Padding.zeros
  /// -1 and 1 are the centres of the outermost pixels; else their outer edges.
  public var alignsCorners = false

  public init() {}
  public var name: String { "GridSample" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("mode", &mode)
    try visitor.visit("padding_mode", &padding)
    try visitor.visit("align_corners", &alignsCorners)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    let grid = try context.dimensions(1)
    try ShapeRules.require(rank: x.dimensions, 3...8, "x")
    try ShapeRules.requireEqualRanks(x.dimensions, grid, "x and grid")
    guard let input = x.dimensions, let grid else { return [TensorType(x.dtype, nil)] }
    _ = try ShapeRules.unify(input[0], grid[0], what: "batches of x and grid")
    _ = try ShapeRules.unify(
      .known(input.count - 2), grid[grid.count - 1], what: "coordinates of a point")
    return [TensorType(x.dtype, Array(input[..<2]) + grid[1..<grid.count - 1])]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, shape) = (try x.tensor(0), try outputShape(x))
    let grid = try x.tensor(1)
    let spatial = Array(tensor.shape[2...])
    guard spatial.elementCount > 0 || shape.elementCount == 0 else {
      throw ComputeError("x has no pixels")
    }
    let (data, points) = (tensor.doubles, grid.doubles)
    let (rank, plane, channels) = (spatial.count, spatial.elementCount, shape[1])
    let pointsEach = shape[2...].elementCount
    let strides = spatial.rowMajorStrides
    var values = [Double](repeating: 0, count: shape.elementCount)
    for point in 0..<shape[0] * pointsEach {
      let (image, position) = (point / pointsEach, point % pointsEach)
      var taps = [PixelTap(position: 0, weight: 1)]
      for axis in 0..<rank {
        // Coordinates come in reverse.
        let coordinate = points[(point + 1) * rank - 1 - axis]
        let own = self.taps(coordinate, length: spatial[axis], isWide: grid.dtype == .float64)
        taps = taps.flatMap { outer in
          own.map {
            PixelTap(
              position: outer.position + $0.position * strides[axis],
              weight: outer.weight * $0.weight)
          }
        }
      }
      for channel in 0..<channels {
        let start = (image * channels + channel) * plane
        values[(image * channels + channel) * pointsEach + position] =
          taps.reduce(0) { $0 + data[start + $1.position] * $1.weight }
      }
    }
    return [Tensor(tensor.dtype, shape, doubles: values)]
  }

  /// The pixels of one axis that a normalised coordinate is interpolated from; those that show zero
  /// are left out.
  private func taps(_ normalized: Double, length: Int, isWide: Bool) -> [PixelTap] {
    var x = pixels(normalized, length: length, isWide: isWide)
    if mode == .nearest { x = x.rounded(.toNearestOrEven) }
    let (low, high) = alignsCorners ? (0, Double(length - 1)) : (-0.5, Double(length) - 0.5)
    // NaN counts as outside; far points are moved near, where arithmetic is exact.
    x = x.isNaN ? -1 : Swift.min(Swift.max(x, -1e15), 1e15)
    if x < low || x > high {
      switch padding {
      case .zeros: break
      case .border: x = Swift.min(Swift.max(x, 0), Double(length - 1))
      case .reflection: x = reflected(x, low, high)
      }
    }
    let first = x.rounded(.down)
    let weighted: [(Double, Double)]
    switch mode {
    case .nearest: weighted = [(x, 1)]
    case .linear: weighted = [(first, 1 - (x - first)), (first + 1, x - first)]
    case .cubic:
      weighted = zip(-1...2, CubicConvolution(a: -0.75).weights(x - first)).map {
        (first + Double($0), $1)
      }
    }
    return weighted.compactMap { position, weight in
      pixel(position, length, low, high).map { PixelTap(position: $0, weight: weight) }
    }
  }

  /// The coordinate in pixels. Grids of float32 are computed in float32, so that halfway points fall
  /// as they do elsewhere.
  private func pixels(_ normalized: Double, length: Int, isWide: Bool) -> Double {
    func scaled<F: BinaryFloatingPoint>(_ n: F) -> F {
      alignsCorners ? (n + 1) / 2 * F(length - 1) : ((n + 1) * F(length) - 1) / 2
    }
    return isWide ? scaled(normalized) : Double(scaled(Float(normalized)))
  }

  /// The pixel that stands in for a whole position; nil where it shows zero.
  private func pixel(_ position: Double, _ length: Int, _ low: Double, _ high: Double) -> Int? {
    let last = Double(length - 1)
    if position >= 0, position <= last { return Int(position) }
    switch padding {
    case .zeros: return nil
    case .border: return position < 0 ? 0 : length - 1
    case .reflection: return Int(Swift.min(Swift.max(reflected(position, low, high), 0), last))
    }
  }

  /// Mirrored at the borders until it lies between them.
  private func reflected(_ x: Double, _ low: Double, _ high: Double) -> Double {
    let span = high - low
    guard span > 0 else { return low }
    let distance = x < low ? low - x : x - high
    guard x < low || x > high else { return x }
    let turns = (distance / span).rounded(.down)
    let rest = distance - turns * span
    let staysOnItsSide = turns.truncatingRemainder(dividingBy: 2) == 0
    return (x < low) == staysOnItsSide ? low + rest : high - rest
  }
}

/// A pixel of a plane, or a position of an axis, and its share of an interpolated value.
struct PixelTap {
  var position: Int
  var weight: Double
}

/// Keys' cubic convolution: the weights of four neighbours.
struct CubicConvolution {
  let a: Double

  /// The weight of a sample at a distance.
  func weight(_ distance: Double) -> Double {
    let d = Swift.abs(distance)
    if d <= 1 { return ((a + 2) * d - (a + 3)) * d * d + 1 }
    if d < 2 { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a }
    return 0
  }

  /// Of the samples at -1, 0, 1 and 2 for a point at `t` from 0 to 1.
  func weights(_ t: Double) -> [Double] {
    [weight(t + 1), weight(t), weight(1 - t), weight(2 - t)]
  }
}
