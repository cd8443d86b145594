import SparrowCore

extension Unary {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let (x, y, g) = (try n.input(0), n.node.outputs[0], try n.output())
    if let masked = try maskedGradient(x, y, g, &b) { return [masked] }
    guard let slope = try slope(x, y, &b) else { return [nil] }
    return [try b.times(g, slope)]
  }

  /// Functions made of straight lines: the output's gradient, scaled or masked.
  private func maskedGradient(
    _ x: ValueID, _ y: ValueID, _ g: ValueID, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID? {
    let (alpha, beta) = (Double(alpha), Double(beta))
    switch function {
    case .relu: return try b.select(try b.compare(.greater, y, 0), g, nil)
    case .neg: return try b.negative(g)
    case .leakyRelu: return try b.select(try b.compare(.less, x, 0), try b.times(g, alpha), g)
    case .thresholdedRelu: return try b.select(try b.compare(.greater, x, alpha), g, nil)
    case .shrink:
      return try b.select(try b.compare(.greater, try b.unary(.abs, x), alpha), g, nil)
    case .hardSigmoid:
      let above = try b.compare(.greater, y, 0)
      let inside = try b.binary(.and, above, try b.compare(.less, y, 1))
      return try b.select(inside, try b.times(g, alpha), nil)
    case .selu:
      let below = try b.times(g, try b.plus(y, alpha * beta))
      return try b.select(try b.compare(.less, x, 0), below, try b.times(g, beta))
    case .elu:
      let below = try b.times(g, try b.plus(y, alpha))
      return try b.select(try b.compare(.less, x, 0), below, g)
    case .celu:
      let below = try b.times(g, try b.plus(try b.times(y, 1 / alpha), 1))
      return try b.select(try b.compare(.less, x, 0), below, g)
    case .abs, .acos, .acosh, .asin, .asinh, .atan, .atanh, .bitwiseNot, .ceil, .cos, .cosh, .erf,
      .exp, .floor, .gelu, .hardSwish, .isNaN, .log, .mish, .not, .reciprocal, .round, .sigmoid,
      .sign, .sin, .sinh, .softplus, .softsign, .sqrt, .swish, .tan, .tanh:
      return nil
    }
  }

  /// The derivative of the smooth functions, as a value; nil where it is zero.
  private func slope(
    _ x: ValueID, _ y: ValueID, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID? {
    switch function {
    case .abs: return try b.unary(.sign, x)
    case .acos:
      let root = try b.unary(.sqrt, try b.complement(try b.times(x, x)))
      return try b.negative(try b.unary(.reciprocal, root))
    case .acosh: return try inverseRoot(try b.plus(try b.times(x, x), -1), &b)
    case .asin: return try inverseRoot(try b.complement(try b.times(x, x)), &b)
    case .asinh: return try inverseRoot(try b.plus(try b.times(x, x), 1), &b)
    case .atan: return try b.unary(.reciprocal, try b.plus(try b.times(x, x), 1))
    case .atanh: return try b.unary(.reciprocal, try b.complement(try b.times(x, x)))
    case .cos: return try b.negative(try b.unary(.sin, x))
    case .cosh: return try b.unary(.sinh, x)
    case .erf:
      let bell = try b.unary(.exp, try b.negative(try b.times(x, x)))
      return try b.times(bell, 1.1283791670955126)  // 2 / sqrt(pi)
    case .exp: return y
    case .gelu: return try geluSlope(x, &b)
    case .hardSwish: return try hardSwishSlope(x, &b)
    case .log: return try b.unary(.reciprocal, x)
    case .mish:
      // x tanh(s), s = softplus(x): tanh(s) + x (1 - tanh(s)^2) sigmoid(x)
      let t = try b.unary(.tanh, try b.unary(.softplus, x))
      let inner = try b.times(try b.complement(try b.times(t, t)), try b.unary(.sigmoid, x))
      return try b.plus(t, try b.times(x, inner))
    case .reciprocal: return try b.negative(try b.times(y, y))
    case .sigmoid: return try b.times(y, try b.complement(y))
    case .sin: return try b.unary(.cos, x)
    case .sinh: return try b.unary(.cosh, x)
    case .softplus: return try b.unary(.sigmoid, x)
    case .softsign:
      let root = try b.unary(.reciprocal, try b.plus(try b.unary(.abs, x), 1))
      return try b.times(root, root)
    case .sqrt: return try b.times(try b.unary(.reciprocal, y), 0.5)
    case .swish:
      // x s, s = sigmoid(alpha x): s + alpha y (1 - s)
      let s = try b.unary(.sigmoid, try b.times(x, Double(alpha)))
      return try b.plus(s, try b.times(try b.times(y, try b.complement(s)), Double(alpha)))
    case .tan: return try b.plus(try b.times(y, y), 1)
    case .tanh: return try b.complement(try b.times(y, y))
    case .bitwiseNot, .ceil, .floor, .isNaN, .not, .round, .sign: return nil
    case .celu, .elu, .hardSigmoid, .leakyRelu, .neg, .relu, .selu, .shrink, .thresholdedRelu:
      return nil
    }
  }

  private func inverseRoot(
    _ square: ValueID, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID { try b.unary(.reciprocal, try b.unary(.sqrt, square)) }

  private func geluSlope(
    _ x: ValueID, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID {
    let square = try b.times(x, x)
    guard approximation == .tanh else {
      // Phi(x) + x phi(x)
      let erf = try b.unary(.erf, try b.times(x, 0.7071067811865476))
      let share = try b.plus(try b.times(erf, 0.5), 0.5)
      let bell = try b.unary(.exp, try b.times(square, -0.5))
      return try b.plus(share, try b.times(try b.times(x, bell), 0.3989422804014327))
    }
    // (1 + t) / 2 + x (1 - t^2) u' / 2 with t = tanh(u), u = c (x + 0.044715 x^3)
    let c = 0.7978845608028654
    let u = try b.times(x, try b.plus(try b.times(square, 0.044715 * c), c))
    let t = try b.unary(.tanh, u)
    let slope = try b.plus(try b.times(square, 3 * 0.044715 * c), c)
    let bend = try b.times(try b.times(x, try b.complement(try b.times(t, t))), slope)
    return try b.times(try b.plus(try b.plus(t, bend), 1), 0.5)
  }

  /// clamp(x / 6 + 1 / 2) + x / 6 where the clamp does not hold.
  private func hardSwishSlope(
    _ x: ValueID, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID {
    var gate = Unary(.hardSigmoid)
    (gate.alpha, gate.beta) = (1 / 6, 0.5)
    let inside = try b.compare(.less, try b.unary(.abs, x), 3)
    let share = try b.select(inside, try b.times(x, 1.0 / 6), nil)
    return try b.plus(try b.add(.unary(gate), x), share)
  }
}
