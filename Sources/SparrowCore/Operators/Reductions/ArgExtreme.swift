/// ONNX ArgMax and ArgMin: the int64 position of the largest or smallest element along an axis.
public struct ArgExtreme: Operator {
  public var isMax: Bool
  public var axis = 0
  public var keepsDimensions = true
  /// Ties give the last position instead of the first.
  public var selectsLast = false

  public init(isMax: Bool) { self.isMax = isMax }

  public var name: String { isMax ? "ArgMax" : "ArgMin" }
  public static var variants: [Self] { [Self(isMax: true), Self(isMax: false)] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
    try visitor.visit("keepdims", &keepsDimensions)
    try visitor.visit("select_last_index", &selectsLast)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    guard var output = try context.dimensions(0) else { return [TensorType(.int64, nil)] }
    let axis = try ShapeRules.axis(axis, rank: output.count)
    if keepsDimensions { output[axis] = .known(1) } else { output.remove(at: axis) }
    return [TensorType(.int64, output)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let tensor = try x.tensor(0)
    let axis = try ShapeRules.concreteAxis(axis, rank: tensor.rank)
    let view = AxisView(tensor.shape, axis: axis)
    let (outer, length, inner) = (view.outer, view.length, view.inner)
    guard length > 0 || outer * inner == 0 else {
      throw ComputeError("axis \(self.axis) of x has no elements")
    }
    let isWhole = !tensor.dtype.isFloatingPoint
    // Flipping the sign bit of unsigned 64-bit numbers keeps their order among signed ones.
    let flip = tensor.dtype == .uint64 ? Int.min : 0
    let integers = isWhole ? tensor.wrappedIntegers.map { $0 ^ flip } : []
    let reals = isWhole ? [] : tensor.doubles
    func isAbove(_ i: Int, _ j: Int) -> Bool {
      isWhole ? integers[i] > integers[j] : reals[i] > reals[j]
    }
    func isEqual(_ i: Int, _ j: Int) -> Bool {
      isWhole ? integers[i] == integers[j] : reals[i] == reals[j]
    }
    var positions: [Int] = []
    for unit in 0..<outer * inner {
      let first = unit / inner * length * inner + unit % inner
      var best = 0
      for i in 1..<Swift.max(length, 1) {
        let (next, champion) = (first + i * inner, first + best * inner)
        let wins = isMax ? isAbove(next, champion) : isAbove(champion, next)
        if wins || selectsLast && isEqual(next, champion) { best = i }
      }
      positions.append(best)
    }
    var shape = tensor.shape
    if keepsDimensions { shape[axis] = 1 } else { shape.remove(at: axis) }
    return [Tensor(.int64, shape, integers: positions)]
  }
}
