/// ONNX Det: the determinants of square matrices `[..., n, n]`.
public struct Det: Operator {
  public init() {}
  public var name: String { "Det" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard let input = x.dimensions else { return [x] }
    try ShapeRules.require(rank: input, 2...Int.max, "x")
    _ = try ShapeRules.unify(
      input[input.count - 2], input[input.count - 1], what: "the matrices' sides")
    return [TensorType(x.dtype, Array(input.dropLast(2)))]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let tensor = try x.tensor(0)
    let type = try outputTypes(x)[0]
    let n = tensor.shape[tensor.rank - 1]
    let values = tensor.doubles
    let results = (0..<type.shape.elementCount).map { i in
      determinant(Array(values[i * n * n..<(i + 1) * n * n]), n)
    }
    return [Tensor(type.dtype, type.shape, doubles: results)]
  }

  /// By elimination with the largest pivot of each column.
  private func determinant(_ matrix: [Double], _ n: Int) -> Double {
    var a = matrix
    var result = 1.0
    for column in 0..<n {
      var pivot = column
      for row in column..<n where abs(a[row * n + column]) > abs(a[pivot * n + column]) {
        pivot = row
      }
      if a[pivot * n + column] == 0 { return 0 }
      if pivot != column {
        result = -result
        for i in 0..<n { a.swapAt(pivot * n + i, column * n + i) }
      }
      result *= a[column * n + column]
      for row in column + 1..<Swift.max(n, column + 1) {
        let factor = a[row * n + column] / a[column * n + column]
        for i in column..<n { a[row * n + i] -= factor * a[column * n + i] }
      }
    }
    return result
  }
}
