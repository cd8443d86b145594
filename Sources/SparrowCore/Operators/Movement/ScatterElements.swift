/// ONNX ScatterElements: copies data and replaces, or combines, elements at indices along an axis.
/// Inputs: data, indices (of data's rank; negative ones count from the end), updates (of the indices'
/// shape).
public struct ScatterElements: Operator {
  public var axis = 0
  public var reduction = ScatterReduction.none

  public init() {}
  public var name: String { "ScatterElements" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 3...3 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
    try visitor.visit("reduction", &reduction)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let data = try context.type(0)
    let (indices, updates) = (try context.dimensions(1), try context.dimensions(2))
    try ShapeRules.requireEqualRanks(data.dimensions, indices, "data and indices")
    try ShapeRules.requireEqualRanks(indices, updates, "indices and updates")
    if let rank = data.dimensions?.count { _ = try ShapeRules.axis(axis, rank: rank) }
    if let indices, let updates {
      for i in indices.indices {
        _ = try ShapeRules.unify(indices[i], updates[i], what: "axis \(i) of indices and updates")
      }
    }
    return [data]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let data = try x.tensor(0)
    let positions = try ElementIndices(axis: axis, data: data.shape).positions(
      try x.integers(1), shape: try x.shape(1))
    return [try reduction.scatter(data, positions, try x.tensor(2))]
  }
}

/// How GatherElements and ScatterElements find elements: each index stands for the element of the data
/// at its own coordinates, except along one axis, where the index itself is the coordinate.
struct ElementIndices {
  let axis: Int
  let data: [Int]

  init(axis: Int, data: [Int]) throws(ComputeError) {
    self.axis = try ShapeRules.concreteAxis(axis, rank: data.count)
    self.data = data
  }

  /// The position in the data that each index names.
  func positions(_ indices: [Int], shape: [Int]) throws(ComputeError) -> [Int] {
    for i in shape.indices where i != axis && shape[i] > data[i] {
      throw ComputeError(
        "the indices' axis \(i) has length \(shape[i]), data's is only \(data[i])")
    }
    let (own, strides, length) = (shape.rowMajorStrides, data.rowMajorStrides, data[axis])
    var positions: [Int] = []
    positions.reserveCapacity(indices.count)
    for (i, index) in indices.enumerated() {
      guard index >= -length, index < length else {
        throw ComputeError("index \(index) lies outside axis \(axis) of length \(length)")
      }
      var position = (index < 0 ? index + length : index) * strides[axis]
      for k in shape.indices where k != axis { position += i / own[k] % shape[k] * strides[k] }
      positions.append(position)
    }
    return positions
  }
}
