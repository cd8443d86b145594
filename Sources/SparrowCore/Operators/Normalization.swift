/// ONNX BatchNormalization in inference mode. Inputs: x `[N, C, ...]`, scale, bias, mean, variance,
/// each `[C]`.
public struct BatchNormalization: Operator {
  public var epsilon: Float = 1e-5

  public init() {}

  public var name: String { "BatchNormalization" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 5...5 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("epsilon", &epsilon)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    for i in 1...4 {
      guard let parameter = try context.dimensions(i) else { continue }
      guard parameter.count == 1 else {
        throw InferenceError("input \(i) has rank \(parameter.count), expected 1")
      }
      if let input = x.dimensions, input.count > 1 {
        _ = try ShapeRules.unify(input[1], parameter[0], what: "channels of x and of input \(i)")
      }
    }
    return [x]
  }
}

/// ONNX LayerNormalization over the axes from `axis` on. Inputs: x, scale, bias?. First output only.
public struct LayerNormalization: Operator {
  public var axis = -1
  public var epsilon: Float = 1e-5

  public init(axis: Int = -1, epsilon: Float = 1e-5) {
    (self.axis, self.epsilon) = (axis, epsilon)
  }

  public var name: String { "LayerNormalization" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...3 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
    try visitor.visit("epsilon", &epsilon)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    guard context.outputCount == 1 else {
      throw InferenceError("the mean and inverse deviation outputs are not supported")
    }
    let x = try context.type(0)
    if let input = x.dimensions {
      _ = try ShapeRules.axis(axis, rank: input.count)
      _ = try ShapeRules.broadcast(input, try context.dimensions(1))
    }
    return [x]
  }
}

/// ONNX Softmax and LogSoftmax (opset 13 on: along one axis).
public struct Softmax: Operator {
  public var isLog: Bool
  public var axis: Int

  public init(axis: Int = -1, isLog: Bool = false) { (self.axis, self.isLog) = (axis, isLog) }

  public var name: String { isLog ? "LogSoftmax" : "Softmax" }
  public static var variants: [Self] { [Self(), Self(isLog: true)] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    if let input = x.dimensions, !(input.isEmpty && (axis == 0 || axis == -1)) {
      _ = try ShapeRules.axis(axis, rank: input.count)
    }
    return [x]
  }
}
