/// ONNX CenterCropPad: crops or pads (with zeros) axes to given lengths around the centre; where that is
/// not possible the element more is cut off, or added, at the end. Inputs: x, lengths (one for each
/// of `axes`).
public struct CenterCropPad: Operator {
  /// nil: all axes.
  public var axes: [Int]?

  public init() {}
  public var name: String { "CenterCropPad" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }
  public var shapeInputs: [Int] { [1] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axes", &axes)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard var output = x.dimensions else { return [x] }
    let axes = try ShapeRules.axes(self.axes ?? Array(output.indices), rank: output.count)
    let lengths = context.integers(1)
    if let lengths, lengths.count != axes.count || lengths.contains(where: { $0 < 0 }) {
      throw InferenceError("shape must be \(axes.count) lengths, none of them negative")
    }
    for (i, axis) in axes.enumerated() {
      output[axis] = lengths.map { .known($0[i]) } ?? .unknown
    }
    return [TensorType(x.dtype, output)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, shape) = (try x.tensor(0), try outputShape(x))
    let (words, own, strides) = (tensor.words, tensor.shape.rowMajorStrides, shape.rowMajorStrides)
    /// Where an axis's output begins in the input.
    let firsts = zip(tensor.shape, shape).map { $0 > $1 ? ($0 - $1) / 2 : -(($1 - $0) / 2) }
    var result = [UInt64](repeating: 0, count: shape.elementCount)
    for i in result.indices {
      var (position, isInside) = (0, true)
      for k in shape.indices {
        let coordinate = i / strides[k] % shape[k] + firsts[k]
        isInside = isInside && coordinate >= 0 && coordinate < tensor.shape[k]
        position += coordinate * own[k]
      }
      if isInside { result[i] = words[position] }
    }
    return [Tensor(tensor.dtype, shape, words: result)]
  }
}
