/// ONNX ScatterND: copies data and replaces, or combines, slices at index vectors. Inputs: data, indices
/// `[..., k]` (negative ones count from the end), updates: a slice of data's last rank - k axes for
/// each vector.
public struct ScatterND: Operator {
  public var reduction = ScatterReduction.none

  public init() {}
  public var name: String { "ScatterND" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 3...3 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("reduction", &reduction)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let data = try context.type(0)
    let updates = try context.dimensions(2)
    guard let indices = try context.dimensions(1) else { return [data] }
    guard let last = indices.last else { throw InferenceError("indices is a scalar") }
    guard let input = data.dimensions, let depth = last.value else { return [data] }
    guard depth >= 1, depth <= input.count else {
      throw InferenceError(
        "index vectors of \(depth) do not fit a tensor of rank \(input.count)")
    }
    guard let updates else { return [data] }
    let expected = indices.dropLast() + input[depth...]
    guard updates.count == expected.count else {
      throw InferenceError("updates has rank \(updates.count), expected \(expected.count)")
    }
    for i in expected.indices {
      _ = try ShapeRules.unify(expected[i], updates[i], what: "axis \(i) of updates")
    }
    return [data]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let data = try x.tensor(0)
    let indices = try x.integers(1)
    let depth = try x.shape(1).last ?? 1
    let strides = data.shape.rowMajorStrides
    let slice = data.shape[depth...].elementCount
    var positions: [Int] = []
    for first in stride(from: 0, to: indices.count, by: depth) {
      var start = 0
      for k in 0..<depth {
        let (index, length) = (indices[first + k], data.shape[k])
        guard index >= -length, index < length else {
          throw ComputeError("index \(index) lies outside axis \(k) of length \(length)")
        }
        start += (index < 0 ? index + length : index) * strides[k]
      }
      positions += start..<start + slice
    }
    return [try reduction.scatter(data, positions, try x.tensor(2))]
  }
}
