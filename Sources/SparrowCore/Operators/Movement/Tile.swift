/// ONNX Tile: repeats x along each axis. Inputs: x, repeats (int64, one an axis).
public struct Tile: Operator {
  public init() {}
  public var name: String { "Tile" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...2 }
  public var shapeInputs: [Int] { [1] }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard let input = x.dimensions else { return [x] }
    guard let repeats = context.integers(1) else {
      return [TensorType(x.dtype, input.map { _ in .unknown })]
    }
    guard repeats.count == input.count else {
      throw InferenceError("repeats has \(repeats.count) entries, x has rank \(input.count)")
    }
    var output: [Dimension] = []
    for (length, count) in zip(input, repeats) {
      guard count >= 0 else { throw InferenceError("repeats has the entry \(count)") }
      guard let known = length.value else {
        output.append(count == 1 ? length : .unknown)
        continue
      }
      let (product, overflow) = known.multipliedReportingOverflow(by: count)
      guard !overflow else { throw InferenceError("repeats has the entry \(count): too large") }
      output.append(.known(product))
    }
    return [TensorType(x.dtype, output)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, shape) = (try x.tensor(0), try outputShape(x))
    let (words, own, strides) = (tensor.words, tensor.shape.rowMajorStrides, shape.rowMajorStrides)
    var result: [UInt64] = []
    result.reserveCapacity(shape.elementCount)
    for i in 0..<shape.elementCount {
      var position = 0
      for k in shape.indices { position += i / strides[k] % tensor.shape[k] * own[k] }
      result.append(words[position])
    }
    return [Tensor(tensor.dtype, shape, words: result)]
  }
}
