/// A function of the gates of a recurrent layer, as ONNX names it.
public enum RecurrentFunction: AttributeChoice {
  case affine, elu, hardSigmoid, leakyRelu, relu, scaledTanh, sigmoid, softplus, softsign, tanh
  case thresholdedRelu

  public var name: String {
    switch self {
    case .affine: "Affine"
    case .elu: "Elu"
    case .hardSigmoid: "HardSigmoid"
    case .leakyRelu: "LeakyRelu"
    case .relu: "Relu"
    case .scaledTanh: "ScaledTanh"
    case .sigmoid: "Sigmoid"
    case .softplus: "Softplus"
    case .softsign: "Softsign"
    case .tanh: "Tanh"
    case .thresholdedRelu: "ThresholdedRelu"
    }
  }

  /// Default parameters; nil for one that the function does not have.
  var defaults: (alpha: Float?, beta: Float?) {
    switch self {
    case .affine, .scaledTanh: (1, self == .affine ? 0 : 1)
    case .elu, .thresholdedRelu: (1, nil)
    case .hardSigmoid: (0.2, 0.5)
    case .leakyRelu: (0.01, nil)
    case .relu, .sigmoid, .softplus, .softsign, .tanh: (nil, nil)
    }
  }
}

/// A gate's function with its parameters.
public struct RecurrentActivation: Sendable {
  public var function: RecurrentFunction
  public var alpha: Float
  public var beta: Float

  public func callAsFunction(_ x: Double) -> Double {
    let (alpha, beta) = (Double(alpha), Double(beta))
    switch function {
    case .affine: return alpha * x + beta
    case .elu: return x >= 0 ? x : alpha * Math.expm1(x)
    case .hardSigmoid: return min(max(alpha * x + beta, 0), 1)
    case .leakyRelu: return x >= 0 ? x : alpha * x
    case .relu: return max(0, x)
    case .scaledTanh: return alpha * Math.tanh(beta * x)
    case .sigmoid: return 1 / (1 + Math.exp(-x))
    case .softplus: return max(x, 0) + Math.log1p(Math.exp(-abs(x)))
    case .softsign: return x / (1 + abs(x))
    case .tanh: return Math.tanh(x)
    case .thresholdedRelu: return x >= alpha ? x : 0
    }
  }
}
