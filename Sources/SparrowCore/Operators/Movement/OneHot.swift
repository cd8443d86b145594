/// ONNX OneHot: along a new axis the "on" value at each index, the "off" value elsewhere. Inputs:
/// indices (any numeric type; negative ones count from the end, others outside the axis leave it
/// "off"), depth (one number), values `[off, on]`, whose type the output has.
public struct OneHot: Operator {
  public var axis = -1

  public init() {}
  public var name: String { "OneHot" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 3...3 }
  public func opset(of dtype: DType) -> Int { dtype == .bfloat16 ? 28 : 1 }
  public var shapeInputs: [Int] { [1] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let dtype = try context.type(2).dtype
    guard var output = try context.dimensions(0) else { return [TensorType(dtype, nil)] }
    let axis = try ShapeRules.axis(axis, rank: output.count + 1)
    var depth = Dimension.unknown
    if context.has(1), let constant = context.inputs[1]?.constant {
      guard let number = constant.doubles.first, constant.count == 1,
        let count = Int(exactly: number.rounded(.towardZero)), count >= 0,
        count <= TensorType.longestAxis
      else { throw InferenceError("depth must be one number that is not negative") }
      depth = .known(count)
    }
    output.insert(depth, at: axis)
    return [TensorType(dtype, output)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (shape, values) = (try outputShape(x), try x.tensor(2))
    guard values.count == 2 else {
      throw ComputeError("values has \(values.count) elements, expected 2")
    }
    let axis = try ShapeRules.concreteAxis(axis, rank: shape.count)
    let (view, choice) = (AxisView(shape, axis: axis), values.words)
    var words = [UInt64](repeating: choice[0], count: shape.elementCount)
    for (i, number) in try x.doubles(0).enumerated() {
      guard let given = Int(exactly: number.rounded(.towardZero)) else { continue }
      guard given >= -view.length, given < view.length else { continue }
      let index = given < 0 ? given + view.length : given
      let (outer, inner) = (i / view.inner, i % view.inner)
      words[(outer * view.length + index) * view.inner + inner] = choice[1]
    }
    return [Tensor(values.dtype, shape, words: words)]
  }
}
