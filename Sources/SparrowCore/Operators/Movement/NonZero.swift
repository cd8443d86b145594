/// ONNX NonZero: the indices of x's elements that are not 0, one a column, in row-major order:
/// int64 `[rank, count]`.
public struct NonZero: Operator {
  public init() {}
  public var name: String { "NonZero" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let rank = try context.dimensions(0).map { Dimension.known($0.count) }
    return [TensorType(.int64, [rank ?? .unknown, .unknown])]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let tensor = try x.tensor(0)
    var found: [Int] = []
    for (i, value) in tensor.doubles.enumerated() where value != 0 { found.append(i) }
    var indices: [Int] = []
    for (stride, length) in zip(tensor.shape.rowMajorStrides, tensor.shape) {
      indices += found.map { $0 / stride % length }
    }
    return [Tensor(.int64, [tensor.rank, found.count], integers: indices)]
  }
}
