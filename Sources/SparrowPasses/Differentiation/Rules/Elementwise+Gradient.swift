import SparrowCore

extension Binary {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let (x, y, g) = (try n.input(0), try n.input(1), try n.output())
    let first = n.wants(0) ? try firstGradient(x, y, g, &b) : nil
    let second = n.wants(1) ? try secondGradient(x, y, n.node.outputs[0], g, &b) : nil
    var gradients: [ValueID?] = [nil, nil]
    if let first { gradients[0] = try b.sum(first, like: x) }
    if let second { gradients[1] = try b.sum(second, like: y) }
    return gradients
  }

  /// With respect to the first operand, of the result's shape.
  private func firstGradient(
    _ x: ValueID, _ y: ValueID, _ g: ValueID, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID? {
    switch function {
    case .add, .sub: return g
    case .mul: return try b.times(g, y)
    case .div: return try b.over(g, y)
    case .max: return try b.select(try b.binary(.greaterOrEqual, x, y), g, nil)
    case .min: return try b.select(try b.binary(.lessOrEqual, x, y), g, nil)
    case .pow: return try powerGradient(x, y, g, &b)
    case .prelu: return try b.select(try b.compare(.less, x, 0), try b.times(g, y), g)
    case .and, .bitwiseAnd, .bitwiseOr, .bitwiseXor, .equal, .greater, .greaterOrEqual, .less,
      .lessOrEqual, .or, .xor:
      return nil
    }
  }

  private func secondGradient(
    _ x: ValueID, _ y: ValueID, _ result: ValueID, _ g: ValueID, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID? {
    switch function {
    case .add: return g
    case .sub: return try b.negative(g)
    case .mul: return try b.times(g, x)
    case .div: return try b.negative(try b.over(try b.times(g, result), y))
    case .max: return try b.select(try b.binary(.greaterOrEqual, x, y), nil, g)
    case .min: return try b.select(try b.binary(.lessOrEqual, x, y), nil, g)
    case .pow:
      let slope = try b.times(try b.times(g, result), try b.unary(.log, x))
      return try b.add(.cast(Cast(to: try b.type(y).dtype)), slope)
    case .prelu: return try b.select(try b.compare(.less, x, 0), try b.times(g, x), nil)
    case .and, .bitwiseAnd, .bitwiseOr, .bitwiseXor, .equal, .greater, .greaterOrEqual, .less,
      .lessOrEqual, .or, .xor:
      return nil
    }
  }

  /// g y x^(y - 1).
  private func powerGradient(
    _ x: ValueID, _ y: ValueID, _ g: ValueID, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID {
    if let exponent = b.constant(y), exponent.count == 1 {
      let value = exponent.doubles[0]
      if value == 2 { return try b.times(try b.times(g, x), 2) }
      let power = try b.binary(.pow, x, try b.scalar(value - 1, like: x))
      return try b.times(try b.times(g, power), value)
    }
    let dtype = try b.type(x).dtype
    let exponent = try b.type(y).dtype == dtype ? y : try b.add(.cast(Cast(to: dtype)), y)
    let power = try b.binary(.pow, x, try b.plus(exponent, -1))
    return try b.times(try b.times(g, exponent), power)
  }
}

extension Clip {
  /// The gradient where x lies between the bounds, which get none.
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let (x, g) = (try n.input(0), try n.output())
    guard !n.wants(1), !n.wants(2) else { throw b.unsupported("its bounds are computed") }
    var inside: ValueID?
    if let low = n.node.input(1) { inside = try b.binary(.greaterOrEqual, x, low) }
    if let high = n.node.input(2) {
      let below = try b.binary(.lessOrEqual, x, high)
      inside = if let above = inside { try b.binary(.and, above, below) } else { below }
    }
    guard let inside else { return [g] }
    return [try b.select(inside, g, nil)]
  }
}

extension Where {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let (condition, g) = (try n.input(0), try n.output())
    let yes = n.wants(1) ? try b.sum(try b.select(condition, g, nil), like: try n.input(1)) : nil
    let no = n.wants(2) ? try b.sum(try b.select(condition, nil, g), like: try n.input(2)) : nil
    return [nil, yes, no]
  }
}

extension Cast {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let from = try b.type(try n.input(0)).dtype
    guard from.isFloatingPoint else { return [nil] }
    return [try b.add(.cast(Cast(to: from)), try n.output())]
  }
}
