/// ONNX RoiAlign: pools regions of x whose borders lie between pixels. Inputs: x `[N, C, H, W]`, regions
/// `[R, 4]` (left, top, right, bottom), batch indices `[R]`. Output `[R, C, height, width]`.
public struct RoiAlign: Operator {
  public enum Mode: AttributeChoice {
    case average, max
    public var name: String { self == .average ? "avg" : "max" }
  }

  public enum Coordinates: AttributeChoice {
    /// Pixel centres lie at halves.
    case halfPixel
    /// The older form: borders are taken as they are, regions are at least one pixel large.
    case outputHalfPixel
    public var name: String { self == .halfPixel ? "half_pixel" : "output_half_pixel" }
  }

  public var mode = Mode.average
  public var coordinates = Coordinates.halfPixel
  public var height = 1
  public var width = 1
  /// Samples an axis in each bin; 0: as many as the bin has pixels.
  public var samplingRatio = 0
  public var spatialScale: Float = 1

  public init() {}
  public var name: String { "RoiAlign" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 3...3 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("mode", &mode)
    try visitor.visit("coordinate_transformation_mode", &coordinates)
    try visitor.visit("output_height", &height)
    try visitor.visit("output_width", &width)
    try visitor.visit("sampling_ratio", &samplingRatio)
    try visitor.visit("spatial_scale", &spatialScale)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    let regions = try context.dimensions(1)
    try ShapeRules.require(rank: x.dimensions, 4...4, "x")
    try ShapeRules.require(rank: regions, 2...2, "rois")
    guard (1...TensorType.longestAxis).contains(height),
      (1...TensorType.longestAxis).contains(width)
    else {
      throw InferenceError("output_height is \(height) and output_width \(width)")
    }
    let count = try ShapeRules.unify(
      regions?[0] ?? .unknown, try context.dimensions(2)?.first ?? .unknown,
      what: "rois and batch_indices")
    return [
      TensorType(x.dtype, [count, x.dimensions?[1] ?? .unknown, .known(height), .known(width)])
    ]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, shape) = (try x.tensor(0), try outputShape(x))
    let (regions, batches) = (try x.doubles(1), try x.integers(2))
    guard try x.shape(1)[1] == 4, batches.count == shape[0] else {
      throw ComputeError("rois must have 4 columns and as many rows as batch_indices")
    }
    let (channels, rows, columns) = (shape[1], tensor.shape[2], tensor.shape[3])
    guard rows * columns > 0 || shape.elementCount == 0 else {
      throw ComputeError("x has no pixels")
    }
    guard shape.elementCount > 0 else { return [Tensor(tensor.dtype, shape, words: [])] }
    let data = tensor.doubles
    var values: [Double] = []
    for (r, batch) in batches.enumerated() {
      guard batch >= 0, batch < tensor.shape[0] else {
        throw ComputeError("batch index \(batch) lies outside a batch of \(tensor.shape[0])")
      }
      let vertical = try samples(regions[4 * r + 1], regions[4 * r + 3], bins: height, rows)
      let horizontal = try samples(regions[4 * r], regions[4 * r + 2], bins: width, columns)
      for channel in 0..<channels {
        let start = (batch * channels + channel) * rows * columns
        for v in vertical {
          for h in horizontal {
            values.append(
              pooled(v, h) { y, x in
                data[start + y.position * columns + x.position] * y.weight * x.weight
              })
          }
        }
      }
    }
    return [Tensor(tensor.dtype, shape, doubles: values)]
  }

  /// For each bin of an axis its samples: the two pixels that each lies between, none for a sample
  /// outside the image.
  private func samples(
    _ start: Double, _ end: Double, bins: Int, _ length: Int
  ) throws(ComputeError) -> [[[PixelTap]]] {
    let offset = coordinates == .halfPixel ? 0.5 : 0
    let first = start * Double(spatialScale) - offset
    var size = end * Double(spatialScale) - offset - first
    if coordinates == .outputHalfPixel { size = Swift.max(size, 1) }
    let bin = size / Double(bins)
    let wanted = samplingRatio > 0 ? Double(samplingRatio) : Swift.max(0, bin.rounded(.up))
    guard first.isFinite, size.isFinite, Swift.max(1, wanted) * Double(bins) <= 4e6 else {
      throw ComputeError("a region from \(start) to \(end) is too large")
    }
    let count = Int(wanted)
    return (0..<bins).map { b in
      (0..<count).map { i in
        let x = first + Double(b) * bin + (Double(i) + 0.5) * bin / wanted
        return taps(x, length)
      }
    }
  }

  private func taps(_ given: Double, _ length: Int) -> [PixelTap] {
    guard given >= -1, given <= Double(length) else { return [] }
    let x = Swift.max(given, 0)
    let low = Int(x)
    guard low < length - 1 else {
      // The neighbour of weight 0 counts where the largest product is wanted.
      return [
        PixelTap(position: length - 1, weight: 1), PixelTap(position: length - 1, weight: 0),
      ]
    }
    let fraction = x - Double(low)
    return [
      PixelTap(position: low, weight: 1 - fraction), PixelTap(position: low + 1, weight: fraction),
    ]
  }

  /// The mean of a bin's samples, or the largest of their weighted pixels. A sample outside the image
  /// counts as 0.
  private func pooled(
    _ vertical: [[PixelTap]], _ horizontal: [[PixelTap]], _ term: (PixelTap, PixelTap) -> Double
  ) -> Double {
    var (sum, largest) = (0.0, -Double.infinity)
    for v in vertical {
      for h in horizontal {
        if v.isEmpty || h.isEmpty { largest = Swift.max(largest, 0) }
        for y in v {
          for x in h {
            let value = term(y, x)
            sum += value
            largest = Swift.max(largest, value)
          }
        }
      }
    }
    let count = vertical.count * horizontal.count
    if count == 0 { return 0 }
    return mode == .max ? largest : sum / Double(count)
  }
}
