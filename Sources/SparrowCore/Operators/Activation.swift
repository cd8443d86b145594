/// An elementwise function fused into the operator before it.
public enum Activation: Hashable, Sendable {
  case none
  /// max(x, 0)
  case relu
  /// min(max(x, low), high)
  case clip(low: Float, high: Float)
  /// 1 / (1 + exp(-x))
  case sigmoid
  /// x * sigmoid(x)
  case silu
  case tanh
  /// x * (1 + erf(x / sqrt 2)) / 2
  case gelu
  /// max(0, min(1, alpha * x + beta))
  case hardSigmoid(alpha: Float, beta: Float)
  /// x * max(0, min(1, x / 6 + 1 / 2))
  case hardSwish

  /// The bounds where the activation is a clamp, so that a kernel's epilogue can apply it.
  public var clamp: (low: Float, high: Float)? {
    switch self {
    case .none: (-Float.infinity, Float.infinity)
    case .relu: (0, Float.infinity)
    case .clip(let low, let high): (low, high)
    case .sigmoid, .silu, .tanh, .gelu, .hardSigmoid, .hardSwish: nil
    }
  }

  /// The name in text forms, and the stable code in containers.
  public var name: String {
    switch self {
    case .none: "none"
    case .relu: "relu"
    case .clip: "clip"
    case .sigmoid: "sigmoid"
    case .silu: "silu"
    case .tanh: "tanh"
    case .gelu: "gelu"
    case .hardSigmoid: "hard_sigmoid"
    case .hardSwish: "hard_swish"
    }
  }

  /// The two numbers it carries; zeros where it has none.
  public var parameters: (Float, Float) {
    switch self {
    case .clip(let low, let high): (low, high)
    case .hardSigmoid(let alpha, let beta): (alpha, beta)
    case .none, .relu, .sigmoid, .silu, .tanh, .gelu, .hardSwish: (0, 0)
    }
  }

  /// The activation of that name; nil when there is none.
  public init?(name: String, parameters: (Float, Float)) {
    let all: [Activation] = [
      .none, .relu, .clip(low: parameters.0, high: parameters.1), .sigmoid, .silu, .tanh, .gelu,
      .hardSigmoid(alpha: parameters.0, beta: parameters.1), .hardSwish,
    ]
    for activation in all where activation.name == name {
      self = activation
      return
    }
    return nil
  }
}
