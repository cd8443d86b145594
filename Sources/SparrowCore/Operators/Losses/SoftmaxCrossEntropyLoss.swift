/// ONNX SoftmaxCrossEntropyLoss: the negative log likelihood of scores' softmax over axis 1. Inputs:
/// scores `[N, C, ...]`, target classes `[N, ...]`, weights? `[C]`. Outputs: the loss, and the
/// logarithms of the probabilities where they are wanted.
public struct SoftmaxCrossEntropyLoss: Operator {
  public var reduction = LossReduction.mean
  public var ignoredClass: Int?

  public init() {}
  public var name: String { "SoftmaxCrossEntropyLoss" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...3 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("reduction", &reduction)
    try visitor.visit("ignore_index", &ignoredClass)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    guard context.outputCount <= 2 else {
      throw InferenceError("it has \(context.outputCount) outputs, expected 2 at most")
    }
    let loss = try ClassLoss(reduction, ignoredClass).inferType(context)
    return context.outputCount == 1 ? [loss] : [loss, try context.type(0)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try outputTypes(x)
    // In float64 whatever the scores' type, so that the loss is rounded once.
    let scores = try x.tensor(0)
    let wide = Tensor(.float64, scores.shape, doubles: scores.doubles)
    let logarithms = try Softmax(axis: 1, isLog: true).compute(Operands([wide]))[0].doubles
    let loss = try ClassLoss(reduction, ignoredClass).loss(of: logarithms, x)
    guard x.outputCount > 1 else { return [loss] }
    return [loss, Tensor(scores.dtype, scores.shape, doubles: logarithms)]
  }
}
