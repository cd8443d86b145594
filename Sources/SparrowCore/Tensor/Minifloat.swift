/// A floating-point format of 8 or fewer bits, by its codes: sign, exponent, mantissa from the highest
/// bit down. (OCP 8-bit Floating Point Specification; OCP Microscaling Formats; for the `fnuz` forms
/// Noune et al., "8-bit Numerical Formats for Deep Neural Networks", 2022.)
public struct Minifloat: Sendable {
  /// What the codes of the largest exponent, or a lone one, mean.
  public enum Specials: Sendable {
    /// Infinities and NaNs, as IEEE 754 has them.
    case ieee
    /// One NaN of each sign, where exponent and mantissa are all ones; no infinity.
    case finite
    /// One NaN in the place of negative zero; no infinity.
    case finiteUnsignedZero
    /// No NaN and no infinity.
    case none
    /// No sign and no mantissa; all ones is NaN.
    case exponentOnly
  }

  public let exponentBits: Int
  public let mantissaBits: Int
  public let bias: Int
  public let specials: Specials

  private var magnitudeBits: Int { exponentBits + mantissaBits }
  private var signBit: UInt8 { specials == .exponentOnly ? 0 : 1 << UInt8(magnitudeBits) }
  private var magnitudeMask: UInt8 { UInt8((1 << magnitudeBits) - 1) }

  /// The code of the largest finite magnitude.
  public var largest: UInt8 {
    switch specials {
    case .ieee: magnitudeMask - UInt8(1 << mantissaBits)
    case .finite, .exponentOnly: magnitudeMask - 1
    case .finiteUnsignedZero, .none: magnitudeMask
    }
  }

  /// The bits that are all 0 in zeros alone.
  var significantBits: UInt8 {
    switch specials {
    case .finiteUnsignedZero, .exponentOnly: 0xff
    case .ieee, .finite, .none: magnitudeMask
    }
  }

  /// The value of a code.
  public func value(_ code: UInt8) -> Double {
    let magnitude = code & magnitudeMask
    let isNegative = code & signBit != 0
    if magnitude > largest {
      guard specials == .ieee, magnitude == largest + 1 else { return .nan }
      return isNegative ? -.infinity : .infinity
    }
    if specials == .finiteUnsignedZero, isNegative, magnitude == 0 { return .nan }
    return isNegative ? -finite(Int(magnitude)) : finite(Int(magnitude))
  }

  /// The value of a magnitude's code as if all codes were finite.
  private func finite(_ code: Int) -> Double {
    if specials == .exponentOnly { return scaled(1, code - bias) }
    let (exponent, mantissa) = (code >> mantissaBits, code & ((1 << mantissaBits) - 1))
    if exponent == 0 { return scaled(Double(mantissa), 1 - bias - mantissaBits) }
    return scaled(Double(mantissa + 1 << mantissaBits), exponent - bias - mantissaBits)
  }

  private func scaled(_ value: Double, _ exponent: Int) -> Double {
    value * Double(sign: .plus, exponent: exponent, significand: 1)
  }

  /// The code of the value nearest to `value`, ties to even. Where that is beyond the largest finite
  /// one: the largest if `saturates`, else infinity or NaN.
  public func code(_ value: Double, saturates: Bool, rounding: Rounding = .nearest) -> UInt8 {
    if value.isNaN { return nan }
    let sign = value.sign == .minus && specials != .exponentOnly ? signBit : 0
    let magnitude = magnitudeCode(value.magnitude, rounding)
    if magnitude > Int(largest) {
      if saturates || specials == .none { return sign | largest }
      return specials == .ieee ? sign | (largest + 1) : nan | sign
    }
    if magnitude == 0, specials == .finiteUnsignedZero { return 0 }
    return sign | UInt8(magnitude)
  }

  /// How a value between two codes is rounded.
  public enum Rounding: AttributeChoice {
    case up, down, nearest
    public var name: String {
      switch self {
      case .up: "up"
      case .down: "down"
      case .nearest: "nearest"
      }
    }
  }

  private var nan: UInt8 {
    switch specials {
    case .ieee: largest + 1 + UInt8(1 << (mantissaBits - 1))
    case .finite, .exponentOnly: magnitudeMask
    // Without a NaN, negative zero takes its place.
    case .finiteUnsignedZero, .none: signBit
    }
  }

  /// The code of a magnitude, one more than the largest where it lies beyond that.
  private func magnitudeCode(_ value: Double, _ rounding: Rounding) -> Int {
    // The codes are in the order of their values.
    var (low, high) = (0, Int(largest) + 1)
    if value >= finite(high) { return high }
    if value <= finite(0) { return 0 }
    while high - low > 1 {
      let middle = (low + high) / 2
      if finite(middle) <= value { low = middle } else { high = middle }
    }
    let (below, above) = (value - finite(low), finite(high) - value)
    if below == 0 { return low }
    switch rounding {
    case .up: return high
    case .down: return low
    case .nearest: break
    }
    if below == above { return specials == .exponentOnly ? high : low & 1 == 0 ? low : high }
    return below < above ? low : high
  }
}

extension DType {
  /// The format of a floating-point type of 8 or fewer bits; nil for other types.
  public var minifloat: Minifloat? {
    switch self {
    case .float8e4m3fn:
      Minifloat(exponentBits: 4, mantissaBits: 3, bias: 7, specials: .finite)
    case .float8e4m3fnuz:
      Minifloat(exponentBits: 4, mantissaBits: 3, bias: 8, specials: .finiteUnsignedZero)
    case .float8e5m2:
      Minifloat(exponentBits: 5, mantissaBits: 2, bias: 15, specials: .ieee)
    case .float8e5m2fnuz:
      Minifloat(exponentBits: 5, mantissaBits: 2, bias: 16, specials: .finiteUnsignedZero)
    case .float4e2m1: Minifloat(exponentBits: 2, mantissaBits: 1, bias: 1, specials: .none)
    case .float8e8m0:
      Minifloat(exponentBits: 8, mantissaBits: 0, bias: 127, specials: .exponentOnly)
    default: nil
    }
  }
}
