/// Functions of one tensor, element by element.
public struct Unary: Operator {
  public enum Function: Hashable, Sendable, CaseIterable {
    case abs, acos, acosh, asin, asinh, atan, atanh, bitwiseNot, ceil, celu, cos, cosh, elu, erf
    case exp, floor, gelu, hardSigmoid, hardSwish, isNaN, leakyRelu, log, mish, neg, not
    case reciprocal, relu, round, selu, shrink, sigmoid, sign, sin, sinh, softplus, softsign, sqrt
    case swish, tan, tanh, thresholdedRelu

    public var name: String {
      switch self {
      case .abs: "Abs"
      case .acos: "Acos"
      case .acosh: "Acosh"
      case .asin: "Asin"
      case .asinh: "Asinh"
      case .atan: "Atan"
      case .atanh: "Atanh"
      case .bitwiseNot: "BitwiseNot"
      case .ceil: "Ceil"
      case .celu: "Celu"
      case .cos: "Cos"
      case .cosh: "Cosh"
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
      case .mish: "Mish"
      case .neg: "Neg"
      case .not: "Not"
      case .reciprocal: "Reciprocal"
      case .relu: "Relu"
      case .round: "Round"
      case .selu: "Selu"
      case .shrink: "Shrink"
      case .sigmoid: "Sigmoid"
      case .sign: "Sign"
      case .sin: "Sin"
      case .sinh: "Sinh"
      case .softplus: "Softplus"
      case .softsign: "Softsign"
      case .sqrt: "Sqrt"
      case .swish: "Swish"
      case .tan: "Tan"
      case .tanh: "Tanh"
      case .thresholdedRelu: "ThresholdedRelu"
      }
    }
  }

  /// ONNX Gelu's `approximate`.
  public enum Approximation: AttributeChoice {
    case none, tanh
    public var name: String { self == .none ? "none" : "tanh" }
  }

  public var function: Function
  /// Of the functions that ``parameters(_:)`` lists.
  public var alpha: Float
  /// HardSigmoid's beta, Selu's gamma, Shrink's bias.
  public var beta: Float
  /// Gelu.
  public var approximation = Approximation.none

  public init(_ function: Function) {
    self.function = function
    let parameters = Self.parameters(function)
    (alpha, beta) = (parameters.alpha?.value ?? 0, parameters.beta?.value ?? 0)
  }

  private typealias Parameter = (key: StaticString, value: Float)

  /// The attributes that a function has, and their defaults.
  private static func parameters(_ function: Function) -> (alpha: Parameter?, beta: Parameter?) {
    switch function {
    case .celu, .elu, .swish, .thresholdedRelu: (("alpha", 1), nil)
    case .hardSigmoid: (("alpha", 0.2), ("beta", 0.5))
    case .leakyRelu: (("alpha", 0.01), nil)
    case .selu: (("alpha", 1.6732631921768188), ("gamma", 1.0507010221481323))
    case .shrink: (("lambd", 0.5), ("bias", 0))
    case .abs, .acos, .acosh, .asin, .asinh, .atan, .atanh, .bitwiseNot, .ceil, .cos, .cosh, .erf,
      .exp, .floor, .gelu, .hardSwish, .isNaN, .log, .mish, .neg, .not, .reciprocal, .relu, .round,
      .sigmoid, .sign, .sin, .sinh, .softplus, .softsign, .sqrt, .tan, .tanh:
      (nil, nil)
    }
  }

  public var name: String { function.name }
  public static var variants: [Self] { Function.allCases.map { Self($0) } }
  public var inputCount: ClosedRange<Int> { 1...1 }
  public var opset: Int { function == .swish ? 24 : 1 }
  public func opset(of dtype: DType) -> Int {
    if function == .celu { return dtype == .float32 ? 1 : 28 }
    return dtype == .bfloat16 ? 22 : 1
  }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    let parameters = Self.parameters(function)
    if let first = parameters.alpha { try visitor.visit(first.key, &alpha) }
    if let second = parameters.beta { try visitor.visit(second.key, &beta) }
    if function == .gelu { try visitor.visit("approximate", &approximation) }
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    return [function == .isNaN ? TensorType(.bool, x.dimensions) : x]
  }
}
