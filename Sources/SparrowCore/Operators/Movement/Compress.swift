/// ONNX Compress: the slices of x along an axis whose condition is true. Inputs: x, condition (a bool
/// vector; slices beyond its end are left out).
public struct Compress: Operator {
  /// nil: elements of the flattened tensor.
  public var axis: Int?

  public init() {}
  public var name: String { "Compress" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }
  public func opset(of dtype: DType) -> Int { dtype == .bfloat16 ? 28 : 1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard let axis else { return [TensorType(x.dtype, [.unknown])] }
    guard var output = x.dimensions else { return [x] }
    output[try ShapeRules.axis(axis, rank: output.count)] = .unknown
    return [TensorType(x.dtype, output)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let given = try x.tensor(0)
    var (tensor, axis) = (given.reshaped([given.count]), 0)
    if let wanted = self.axis {
      tensor = given
      axis = try ShapeRules.concreteAxis(wanted, rank: given.rank)
    }
    let view = AxisView(tensor.shape, axis: axis)
    var kept: [Int] = []
    for (i, isKept) in try x.integers(1).enumerated() where isKept != 0 && i < view.length {
      kept.append(i)
    }
    let words = tensor.words
    var values: [UInt64] = []
    for outer in 0..<view.outer {
      for i in kept {
        let start = (outer * view.length + i) * view.inner
        values += words[start..<start + view.inner]
      }
    }
    var shape = tensor.shape
    shape[axis] = kept.count
    return [Tensor(tensor.dtype, shape, words: values)]
  }
}
