/// Functions of one tensor, element by element.
public struct Unary: Operator {
  public enum Function: Hashable, Sendable, CaseIterable {
    case abs, ceil, cos, elu, erf, exp, floor, gelu, hardSigmoid, hardSwish, isNaN, leakyRelu, log
    case neg, not, reciprocal, relu, round, sigmoid, sign, sin, softplus, softsign, sqrt, tanh

    public var name: String {
      switch self {
      case .abs: "Abs"
      case .ceil: "Ceil"
      case .cos: "Cos"
      case .elu: "Elu"
      case .erf: "Erf"
      case .exp: "Exp"
      case .floor: "Floor"
      case .gelu: "Gelu"
      case .hardSigmoid: "HardSigmoid"
      case .hardSwish: "HardSwish"
      case .isNaN: "IsNaN"
      case .leakyRelu: "LeakyRelu"
      case .log: "Log"
      case .neg: "Neg"
      case .not: "Not"
      case .reciprocal: "Reciprocal"
      case .relu: "Relu"
      case .round: "Round"
      case .sigmoid: "Sigmoid"
      case .sign: "Sign"
      case .sin: "Sin"
      case .softplus: "Softplus"
      case .softsign: "Softsign"
      case .sqrt: "Sqrt"
      case .tanh: "Tanh"
      }
    }
  }

  /// ONNX Gelu's `approximate`.
  public enum Approximation: AttributeChoice {
    case none, tanh
    public var name: String { self == .none ? "none" : "tanh" }
  }

  public var function: Function
  /// HardSigmoid, LeakyRelu, Elu.
  public var alpha: Float
  /// HardSigmoid.
  public var beta: Float
  /// Gelu.
  public var approximation = Approximation.none

  public init(_ function: Function) {
    self.function = function
    switch function {
    case .hardSigmoid: (alpha, beta) = (0.2, 0.5)
    case .leakyRelu: (alpha, beta) = (0.01, 0)
    case .elu: (alpha, beta) = (1, 0)
    case .abs, .ceil, .cos, .erf, .exp, .floor, .gelu, .hardSwish, .isNaN, .log, .neg, .not,
      .reciprocal, .relu, .round, .sigmoid, .sign, .sin, .softplus, .softsign, .sqrt, .tanh:
      (alpha, beta) = (0, 0)
    }
  }

  public var name: String { function.name }
  public static var variants: [Self] { Function.allCases.map { Self($0) } }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    if function == .hardSigmoid || function == .leakyRelu || function == .elu {
      try visitor.visit("alpha", &alpha)
    }
    if function == .hardSigmoid { try visitor.visit("beta", &beta) }
    if function == .gelu { try visitor.visit("approximate", &approximation) }
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    return [function == .isNaN ? TensorType(.bool, x.dimensions) : x]
  }
}

/// Functions of two tensors with NumPy broadcasting.
public struct Binary: Operator {
  public enum Function: Hashable, Sendable, CaseIterable {
    case add, and, div, equal, greater, greaterOrEqual, less, lessOrEqual, max, min, mul, or, pow
    case prelu, sub, xor

    public var name: String {
      switch self {
      case .add: "Add"
      case .and: "And"
      case .div: "Div"
      case .equal: "Equal"
      case .greater: "Greater"
      case .greaterOrEqual: "GreaterOrEqual"
      case .less: "Less"
      case .lessOrEqual: "LessOrEqual"
      case .max: "Max"
      case .min: "Min"
      case .mul: "Mul"
      case .or: "Or"
      case .pow: "Pow"
      case .prelu: "PRelu"
      case .sub: "Sub"
      case .xor: "Xor"
      }
    }

    /// Whether the result is bool.
    public var compares: Bool {
      switch self {
      case .equal, .greater, .greaterOrEqual, .less, .lessOrEqual, .and, .or, .xor: true
      case .add, .div, .max, .min, .mul, .pow, .prelu, .sub: false
      }
    }
  }

  public var function: Function
  /// Sparrow's own: applied to the result.
  public var activation: Activation

  public init(_ function: Function, activation: Activation = .none) {
    (self.function, self.activation) = (function, activation)
  }

  public var name: String { function.name }
  public static var variants: [Self] { Function.allCases.map { Self($0) } }
  public var inputCount: ClosedRange<Int> { 2...2 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("activation", &activation)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let a = try context.type(0)
    let b = try context.type(1)
    guard a.dtype == b.dtype || function == .pow else {
      throw InferenceError("operands are \(a.dtype.name) and \(b.dtype.name), expected equal types")
    }
    let shape = try ShapeRules.broadcast(a.dimensions, b.dimensions)
    return [TensorType(function.compares ? .bool : a.dtype, shape)]
  }
}

/// ONNX Clip. Inputs: x, low?, high? (scalars).
public struct Clip: Operator {
  public init() {}
  public var name: String { "Clip" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...3 }
  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    [try context.type(0)]
  }
}

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
}

/// ONNX Cast.
public struct Cast: Operator {
  public var to: DType
  public init(to: DType = .float32) { self.to = to }
  public var name: String { "Cast" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }
  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("to", &to)
  }
  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    [TensorType(to, try context.dimensions(0))]
  }
}

/// ONNX Identity and Dropout in inference mode: the output is the input.
public struct Identity: Operator {
  public var isDropout: Bool
  public init(isDropout: Bool = false) { self.isDropout = isDropout }
  public var name: String { isDropout ? "Dropout" : "Identity" }
  public static var variants: [Self] { [Self(), Self(isDropout: true)] }
  public var inputCount: ClosedRange<Int> { 1...1 }
  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    guard context.outputCount == 1 else {
      throw InferenceError("Dropout's mask output is not supported")
    }
    return [try context.type(0)]
  }
}
