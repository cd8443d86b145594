/// ONNX MaxRoiPool: the largest element in each bin of regions of x. Inputs: x `[N, C, H, W]`, regions
/// `[R, 5]` (batch index, left, top, right, bottom; both ends belong to it). Output `[R, C, pooled...]`.
public struct MaxRoiPool: Operator {
  public var pooledShape: [Int] = [1, 1]
  public var spatialScale: Float = 1

  public init() {}
  public var name: String { "MaxRoiPool" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("pooled_shape", &pooledShape)
    try visitor.visit("spatial_scale", &spatialScale)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    let regions = try context.dimensions(1)
    try ShapeRules.require(rank: x.dimensions, 4...4, "x")
    try ShapeRules.require(rank: regions, 2...2, "rois")
    guard pooledShape.count == 2,
      pooledShape.allSatisfy({ (1...TensorType.longestAxis).contains($0) })
    else { throw InferenceError("pooled_shape must be 2 lengths from 1 on") }
    return [
      TensorType(
        x.dtype,
        [regions?[0] ?? .unknown, x.dimensions?[1] ?? .unknown]
          + pooledShape.map { .known($0) })
    ]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, shape) = (try x.tensor(0), try outputShape(x))
    let regions = try x.doubles(1)
    guard try x.shape(1)[1] == 5 else { throw ComputeError("rois must have 5 columns") }
    guard shape.elementCount > 0 else { return [Tensor(tensor.dtype, shape, words: [])] }
    let (rows, columns) = (tensor.shape[2], tensor.shape[3])
    let data = tensor.doubles
    var values: [Double] = []
    for r in 0..<shape[0] {
      let region = regions[5 * r..<5 * r + 5].map { $0 }
      guard let batch = Int(exactly: region[0]), batch >= 0, batch < tensor.shape[0] else {
        throw ComputeError("batch index \(region[0]) lies outside a batch of \(tensor.shape[0])")
      }
      let vertical = try bins(region[2], region[4], count: pooledShape[0], length: rows)
      let horizontal = try bins(region[1], region[3], count: pooledShape[1], length: columns)
      for channel in 0..<shape[1] {
        let start = (batch * shape[1] + channel) * rows * columns
        for v in vertical {
          for h in horizontal {
            var largest = v.isEmpty || h.isEmpty ? 0 : -Double.infinity
            for y in v {
              for x in h { largest = Swift.max(largest, data[start + y * columns + x]) }
            }
            values.append(largest)
          }
        }
      }
    }
    return [Tensor(tensor.dtype, shape, doubles: values)]
  }

  /// The pixels of each bin of an axis.
  private func bins(
    _ start: Double, _ end: Double, count: Int, length: Int
  ) throws(ComputeError) -> [Range<Int>] {
    let scale = Double(spatialScale)
    let first = (start * scale).rounded(.toNearestOrAwayFromZero)
    let last = (end * scale).rounded(.toNearestOrAwayFromZero)
    guard Swift.abs(first) < 1e12, Swift.abs(last) < 1e12 else {
      throw ComputeError("a region from \(start) to \(end) is too large")
    }
    let size = Swift.max(last - first + 1, 1) / Double(count)
    func clamped(_ x: Double) -> Int { Int(Swift.min(Swift.max(x + first, 0), Double(length))) }
    return (0..<count).map { i in
      let low = clamped((Double(i) * size).rounded(.down))
      return low..<Swift.max(low, clamped((Double(i + 1) * size).rounded(.up)))
    }
  }
}
