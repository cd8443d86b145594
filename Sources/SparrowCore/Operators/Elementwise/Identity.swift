/// ONNX Identity and Dropout in inference mode: the output is the input. Dropout's second output, its
/// mask, is all true.
public struct Identity: Operator {
  public var isDropout: Bool
  public init(isDropout: Bool = false) { self.isDropout = isDropout }
  public var name: String { isDropout ? "Dropout" : "Identity" }
  public static var variants: [Self] { [Self(), Self(isDropout: true)] }
  public var inputCount: ClosedRange<Int> { 1...1 }
  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard context.outputCount > 1 else { return [x] }
    guard isDropout, context.outputCount == 2 else {
      throw InferenceError("it has \(context.outputCount) outputs")
    }
    return [x, TensorType(.bool, x.dimensions)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let tensor = try x.tensor(0)
    guard x.outputCount > 1 else { return [tensor] }
    let mask = [Int](repeating: 1, count: tensor.count)
    return [tensor, Tensor(.bool, tensor.shape, integers: mask)]
  }
}
