extension Unary {
  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let tensor = try x.tensor(0)
    let (dtype, shape) = (tensor.dtype, tensor.shape)
    if function == .isNaN, dtype.isFloatingPoint {
      return [Tensor(.bool, shape, integers: tensor.doubles.map { $0.isNaN ? 1 : 0 })]
    }
    if function == .not, dtype == .bool {
      return [Tensor(dtype, shape, integers: tensor.wrappedIntegers.map { 1 - $0 })]
    }
    if dtype.isFloatingPoint, let realFunction {
      return [Tensor(dtype, shape, doubles: tensor.doubles.map(realFunction))]
    }
    if !dtype.isFloatingPoint, dtype != .bool, let wholeFunction = wholeFunction(of: dtype) {
      return [Tensor(dtype, shape, integers: tensor.wrappedIntegers.map(wholeFunction))]
    }
    throw ComputeError("it does not take \(dtype.name)")
  }

  /// The function of real numbers; nil for those of bits.
  package var realFunction: ((Double) -> Double)? {
    let (alpha, beta) = (Double(alpha), Double(beta))
    switch function {
    case .abs: return { Swift.abs($0) }
    case .acos: return { Math.acos($0) }
    case .acosh: return { Math.acosh($0) }
    case .asin: return { Math.asin($0) }
    case .asinh: return { Math.asinh($0) }
    case .atan: return { Math.atan($0) }
    case .atanh: return { Math.atanh($0) }
    case .ceil: return { $0.rounded(.up) }
    case .celu: return { $0 < 0 ? alpha * Math.expm1($0 / alpha) : $0 }
    case .cos: return { Math.cos($0) }
    case .cosh: return { Math.cosh($0) }
    case .elu: return { $0 < 0 ? alpha * Math.expm1($0) : $0 }
    case .erf: return { Math.erf($0) }
    case .exp: return { Math.exp($0) }
    case .floor: return { $0.rounded(.down) }
    case .gelu where approximation == .tanh:
      return { 0.5 * $0 * (1 + Math.tanh(0.7978845608028654 * ($0 + 0.044715 * $0 * $0 * $0))) }
    case .gelu: return { 0.5 * $0 * (1 + Math.erf($0 * 0.7071067811865476)) }
    case .hardSigmoid: return { clamped(alpha * $0 + beta) }
    case .hardSwish: return { $0 * clamped($0 / 6 + 0.5) }
    case .leakyRelu: return { $0 < 0 ? alpha * $0 : $0 }
    case .log: return { Math.log($0) }
    case .mish: return { $0 * Math.tanh(softplus($0)) }
    case .neg: return { -$0 }
    case .reciprocal: return { 1 / $0 }
    case .relu: return { $0 < 0 ? 0 : $0 }
    case .round: return { $0.rounded(.toNearestOrEven) }
    case .selu: return { $0 < 0 ? beta * alpha * Math.expm1($0) : beta * $0 }
    case .shrink: return { $0 < -alpha ? $0 + beta : $0 > alpha ? $0 - beta : 0 }
    case .sigmoid: return logistic
    case .sign: return { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }
    case .sin: return { Math.sin($0) }
    case .sinh: return { Math.sinh($0) }
    case .softplus: return softplus
    case .softsign: return { $0 / (1 + Swift.abs($0)) }
    case .sqrt: return { $0.squareRoot() }
    case .swish: return { $0 * logistic(alpha * $0) }
    case .tan: return { Math.tan($0) }
    case .tanh: return { Math.tanh($0) }
    case .thresholdedRelu: return { $0 > alpha ? $0 : 0 }
    case .bitwiseNot, .isNaN, .not: return nil
    }
  }

  /// The function of 64-bit integers of which `dtype` keeps the low bits; nil where it has none.
  private func wholeFunction(of dtype: DType) -> ((Int) -> Int)? {
    let isUnsigned64 = dtype == .uint64
    switch function {
    case .abs: return { $0 < 0 && !isUnsigned64 ? 0 &- $0 : $0 }
    case .neg: return { 0 &- $0 }
    case .relu: return { $0 < 0 && !isUnsigned64 ? 0 : $0 }
    case .sign: return { $0 < 0 && !isUnsigned64 ? -1 : $0 == 0 ? 0 : 1 }
    case .ceil, .floor, .round: return { $0 }
    case .bitwiseNot: return { ~$0 }
    case .shrink:
      let real = realFunction ?? { $0 }
      return {
        let value = real(isUnsigned64 ? Double(UInt(bitPattern: $0)) : Double($0))
        return Int(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
      }
    case .acos, .acosh, .asin, .asinh, .atan, .atanh, .celu, .cos, .cosh, .elu, .erf, .exp, .gelu,
      .hardSigmoid, .hardSwish, .isNaN, .leakyRelu, .log, .mish, .not, .reciprocal, .selu, .sigmoid,
      .sin, .sinh, .softplus, .softsign, .sqrt, .swish, .tan, .tanh, .thresholdedRelu:
      return nil
    }
  }
}

private func clamped(_ x: Double) -> Double { x < 0 ? 0 : x > 1 ? 1 : x }

private func logistic(_ x: Double) -> Double { 1 / (1 + Math.exp(-x)) }

private func softplus(_ x: Double) -> Double {
  Swift.max(x, 0) + Math.log1p(Math.exp(-Swift.abs(x)))
}

extension Activation {
  /// The function of real numbers.
  package func value(of x: Double) -> Double {
    switch self {
    case .none: x
    case .relu: x < 0 ? 0 : x
    case .clip(let low, let high):
      x < Double(low) ? Double(low) : x > Double(high) ? Double(high) : x
    case .sigmoid: logistic(x)
    case .silu: x * logistic(x)
    case .tanh: Math.tanh(x)
    case .gelu: 0.5 * x * (1 + Math.erf(x * 0.7071067811865476))
    case .hardSigmoid(let alpha, let beta): clamped(Double(alpha) * x + Double(beta))
    case .hardSwish: x * clamped(x / 6 + 0.5)
    }
  }

  /// A tensor of `values` after the activation.
  package func tensor(_ dtype: DType, _ shape: [Int], doubles values: [Double]) -> Tensor {
    Tensor(dtype, shape, doubles: self == .none ? values : values.map { value(of: $0) })
  }
}
