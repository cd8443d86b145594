/// ONNX Where. Inputs: condition (bool), x, y, broadcast together.
public struct Where: Operator {
  public init() {}
  public var name: String { "Where" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 3...3 }
  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(1)
    let values = try ShapeRules.broadcast(x.dimensions, try context.dimensions(2))
    return [TensorType(x.dtype, try ShapeRules.broadcast(try context.dimensions(0), values))]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let (condition, yes, no) = (try x.tensor(0), try x.tensor(1), try x.tensor(2))
    guard condition.dtype == .bool, yes.dtype == no.dtype else {
      throw ComputeError("it takes a bool and two values of one type")
    }
    let shape = try yes.shape.broadcast(with: no.shape).broadcast(with: condition.shape)
    let (flags, a, b) = (condition.words, yes.words, no.words)
    let (i, j) = (yes.shape.positions(broadcastTo: shape), no.shape.positions(broadcastTo: shape))
    var words: [UInt64] = []
    words.reserveCapacity(i.count)
    for (n, flag) in condition.shape.positions(broadcastTo: shape).enumerated() {
      words.append(flags[flag] != 0 ? a[i[n]] : b[j[n]])
    }
    return [Tensor(yes.dtype, shape, words: words)]
  }
}
