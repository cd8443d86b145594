/// ONNX AffineGrid: the points that affine maps move a regular grid to, for ``GridSample``. Inputs: maps
/// `[N, 2, 3]` or `[N, 3, 4]`, size `[N, C, H, W]` or `[N, C, D, H, W]`. Output `[N, (D,) H, W, 2 or 3]`.
public struct AffineGrid: Operator {
  /// -1 and 1 are the centres of the outermost pixels; else their outer edges.
  public var alignsCorners = false

  public init() {}
  public var name: String { "AffineGrid" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }
  public var shapeInputs: [Int] { [1] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("align_corners", &alignsCorners)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let theta = try context.type(0)
    try ShapeRules.require(rank: theta.dimensions, 3...3, "theta")
    guard let size = context.integers(1) else {
      guard let rank = try context.dimensions(1)?.first?.value, rank == 4 || rank == 5 else {
        return [TensorType(theta.dtype, nil)]
      }
      let open = [Dimension](repeating: .unknown, count: rank - 2)
      return [
        TensorType(theta.dtype, [theta.dimensions?[0] ?? .unknown] + open + [.known(rank - 2)])
      ]
    }
    guard size.count == 4 || size.count == 5, size.allSatisfy({ $0 >= 0 }) else {
      throw InferenceError("size must be 4 or 5 lengths, none of them negative")
    }
    let rank = size.count - 2
    if let maps = theta.dimensions {
      _ = try ShapeRules.unify(maps[0], .known(size[0]), what: "batches of theta and size")
      _ = try ShapeRules.unify(maps[1], .known(rank), what: "rows of a map")
      _ = try ShapeRules.unify(maps[2], .known(rank + 1), what: "columns of a map")
    }
    return [TensorType(theta.dtype, shape: [size[0]] + size[2...] + [rank])]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let shape = try outputShape(x)
    let theta = try x.doubles(0)
    let (rank, spatial) = (shape[shape.count - 1], Array(shape[1..<shape.count - 1]))
    let (strides, points) = (spatial.rowMajorStrides, spatial.elementCount)
    var values: [Double] = []
    values.reserveCapacity(shape.elementCount)
    for point in 0..<shape[0] * points {
      // A map's columns take the last axis first.
      let place = (0..<rank).reversed().map { axis in
        coordinate(point % points / strides[axis] % spatial[axis], spatial[axis])
      }
      for row in 0..<rank {
        let first = (point / points * rank + row) * (rank + 1)
        values.append((0..<rank).reduce(theta[first + rank]) { $0 + theta[first + $1] * place[$1] })
      }
    }
    return [Tensor(try x.dtype(0), shape, doubles: values)]
  }

  private func coordinate(_ i: Int, _ length: Int) -> Double {
    if alignsCorners { return length == 1 ? 0 : 2 * Double(i) / Double(length - 1) - 1 }
    return (2 * Double(i) + 1) / Double(length) - 1
  }
}
