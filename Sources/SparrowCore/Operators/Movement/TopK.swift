/// ONNX TopK: the k largest or smallest elements along an axis, and their positions. Inputs: x, k (one
/// int64). Outputs: values, indices (int64). Of equal elements the first come first; NaN is larger
/// than every number.
public struct TopK: Operator {
  public var axis = -1
  public var isLargest = true
  /// Whether the results must be in order; they always are.
  public var isSorted = true

  public init() {}
  public var name: String { "TopK" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }
  public func opset(of dtype: DType) -> Int { dtype == .bfloat16 ? 24 : 1 }
  public var shapeInputs: [Int] { [1] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
    try visitor.visit("largest", &isLargest)
    try visitor.visit("sorted", &isSorted)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    var output = x.dimensions
    if let input = x.dimensions {
      let axis = try ShapeRules.axis(axis, rank: input.count)
      let k = context.integers(1)
      if let k, k.count != 1 { throw InferenceError("k has \(k.count) elements, expected 1") }
      if let k = k?.first, k < 0 || k > input[axis].value ?? TensorType.longestAxis {
        throw InferenceError("k is \(k), axis \(axis) is \(input[axis].text)")
      }
      output?[axis] = (k?.first).map { .known($0) } ?? .unknown
    }
    return [TensorType(x.dtype, output), TensorType(.int64, output)].prefixed(context.outputCount)
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, shape) = (try x.tensor(0), try outputShape(x))
    let axis = try ShapeRules.concreteAxis(axis, rank: tensor.rank)
    let (view, k) = (AxisView(tensor.shape, axis: axis), shape[axis])
    // Reversed keys make the smallest first, and keep the first of equals first.
    let keys = isLargest ? tensor.orderKeys.map { ~$0 } : tensor.orderKeys
    let words = tensor.words
    var values = [UInt64](repeating: 0, count: shape.elementCount)
    var indices = [Int](repeating: 0, count: shape.elementCount)
    for outer in 0..<view.outer {
      for inner in 0..<view.inner {
        let start = outer * view.length * view.inner + inner
        let order = (0..<view.length).sorted { a, b in
          let (x, y) = (keys[start + a * view.inner], keys[start + b * view.inner])
          return x == y ? a < b : x < y
        }
        for i in 0..<k {
          let target = (outer * k + i) * view.inner + inner
          values[target] = words[start + order[i] * view.inner]
          indices[target] = order[i]
        }
      }
    }
    let results = [
      Tensor(tensor.dtype, shape, words: values), Tensor(.int64, shape, integers: indices),
    ]
    return results.prefixed(x.outputCount)
  }
}

extension Array {
  /// The first `count` elements: the outputs that a node has, without trailing optional ones.
  func prefixed(_ count: Int) -> [Element] { Array(prefix(Swift.max(count, 1))) }
}
