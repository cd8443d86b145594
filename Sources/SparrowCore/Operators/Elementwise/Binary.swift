/// Functions of two tensors with NumPy broadcasting.
public struct Binary: Operator {
  public enum Function: Hashable, Sendable, CaseIterable {
    case add, and, bitwiseAnd, bitwiseOr, bitwiseXor, div, equal, greater, greaterOrEqual, less
    case lessOrEqual, max, min, mul, or, pow, prelu, sub, xor

    public var name: String {
      switch self {
      case .add: "Add"
      case .and: "And"
      case .bitwiseAnd: "BitwiseAnd"
      case .bitwiseOr: "BitwiseOr"
      case .bitwiseXor: "BitwiseXor"
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
      case .add, .bitwiseAnd, .bitwiseOr, .bitwiseXor, .div, .max, .min, .mul, .pow, .prelu, .sub:
        false
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
