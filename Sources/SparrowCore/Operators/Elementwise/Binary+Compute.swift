extension Binary {
  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let (a, b) = (try x.tensor(0), try x.tensor(1))
    let shape = try a.shape.broadcast(with: b.shape)
    let places = (
      a: a.shape.positions(broadcastTo: shape), b: b.shape.positions(broadcastTo: shape)
    )
    if a.dtype.isFloatingPoint || function == .pow && b.dtype.isFloatingPoint {
      return [try reals(a, b, places.a, places.b, shape)]
    }
    let (p, q) = (a.wrappedIntegers, b.wrappedIntegers)
    var result: [Int] = []
    if function == .pow {
      let isUnsigned = b.dtype == .uint64
      for (i, j) in zip(places.a, places.b) {
        result.append(power(p[i], q[j], isNegative: q[j] < 0 && !isUnsigned))
      }
    } else {
      guard
        (a.dtype == .bool) == (function == .and || function == .or || function == .xor)
          || function == .equal
      else { throw ComputeError("it does not take \(a.dtype.name)") }
      for (i, j) in zip(places.a, places.b) {
        let value: Int
        if a.dtype == .uint64 {
          value = try whole(UInt(bitPattern: p[i]), UInt(bitPattern: q[j]))
        } else {
          value = try whole(p[i], q[j])
        }
        result.append(value)
      }
    }
    let made = Tensor(function.compares ? .bool : a.dtype, shape, integers: result)
    guard activation != .none else { return [made] }
    return [activation.tensor(made.dtype, shape, doubles: made.doubles)]
  }

  private func reals(
    _ a: Tensor, _ b: Tensor, _ i: [Int], _ j: [Int], _ shape: [Int]
  ) throws(ComputeError) -> Tensor {
    let (p, q) = (a.doubles, b.doubles)
    var result: [Double] = []
    result.reserveCapacity(i.count)
    for (i, j) in zip(i, j) {
      guard let value = real(p[i], q[j]) else {
        throw ComputeError("it does not take \(a.dtype.name)")
      }
      result.append(value)
    }
    if function.compares { return Tensor(.bool, shape, doubles: result) }
    return activation.tensor(a.dtype, shape, doubles: result)
  }

  /// Comparisons give 0 and 1; nil for functions of bits and bools.
  private func real(_ a: Double, _ b: Double) -> Double? {
    switch function {
    case .add: a + b
    case .div: a / b
    case .equal: a == b ? 1 : 0
    case .greater: a > b ? 1 : 0
    case .greaterOrEqual: a >= b ? 1 : 0
    case .less: a < b ? 1 : 0
    case .lessOrEqual: a <= b ? 1 : 0
    case .max: a > b || a.isNaN ? a : b
    case .min: a < b || a.isNaN ? a : b
    case .mul: a * b
    case .pow: Math.pow(a, b)
    case .prelu: a < 0 ? a * b : a
    case .sub: a - b
    case .and, .bitwiseAnd, .bitwiseOr, .bitwiseXor, .or, .xor: nil
    }
  }

  /// Of integers as wide as the result's type or wider, signed like it; bools are 0 and 1.
  private func whole<I: FixedWidthInteger>(_ a: I, _ b: I) throws(ComputeError) -> Int {
    let value: I
    switch function {
    case .add: value = a &+ b
    case .and, .bitwiseAnd: value = a & b
    case .bitwiseOr, .or: value = a | b
    case .bitwiseXor, .xor: value = a ^ b
    case .div:
      guard b != 0 else { throw ComputeError("integer division by zero") }
      value = a.dividedReportingOverflow(by: b).partialValue
    case .equal: value = a == b ? 1 : 0
    case .greater: value = a > b ? 1 : 0
    case .greaterOrEqual: value = a >= b ? 1 : 0
    case .less: value = a < b ? 1 : 0
    case .lessOrEqual: value = a <= b ? 1 : 0
    case .max: value = a > b ? a : b
    case .min: value = a < b ? a : b
    case .mul: value = a &* b
    case .prelu: value = a < 0 ? a &* b : a
    case .sub: value = a &- b
    case .pow: throw ComputeError("powers have two types")
    }
    return Int(truncatingIfNeeded: value)
  }

  /// An integer power, wrapping around. Negative powers truncate to 0 except of 1 and -1.
  private func power(_ base: Int, _ exponent: Int, isNegative: Bool) -> Int {
    if isNegative { return base == 1 ? 1 : base == -1 ? (exponent & 1 == 0 ? 1 : -1) : 0 }
    var (result, square, rest) = (1, base, UInt(bitPattern: exponent))
    while rest > 0 {
      if rest & 1 == 1 { result = result &* square }
      square = square &* square
      rest >>= 1
    }
    return result
  }
}
