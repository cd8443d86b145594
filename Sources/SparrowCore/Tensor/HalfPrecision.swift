/// Conversions between float32 and the 16-bit floating-point formats, by bit pattern, so that they
/// work on every CPU and in Embedded Swift.
public enum HalfPrecision {
  /// The float32 value of an IEEE 754 binary16 bit pattern.
  public static func float(fromFloat16 bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1f
    let mantissa = UInt32(bits & 0x3ff)
    if exponent == 0x1f { return Float(bitPattern: sign | 0x7f80_0000 | mantissa << 13) }
    if exponent != 0 { return Float(bitPattern: sign | (exponent + 112) << 23 | mantissa << 13) }
    let magnitude = Float(mantissa) * Float(bitPattern: 0x3380_0000)  // subnormal: mantissa * 2^-24
    return sign == 0 ? magnitude : -magnitude
  }

  /// The IEEE 754 binary16 bit pattern nearest to `value`, ties to even.
  public static func float16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
    let magnitude = bits & 0x7fff_ffff
    if magnitude > 0x7f80_0000 { return sign | 0x7e00 }  // NaN stays NaN
    if magnitude >= 0x477f_f000 { return sign | 0x7c00 }  // rounds to infinity
    if magnitude < 0x3880_0000 {  // subnormal or zero: adding 0.5 aligns the mantissa and rounds
      let aligned = Float(bitPattern: magnitude) + 0.5
      return sign | UInt16(truncatingIfNeeded: aligned.bitPattern &- Float(0.5).bitPattern)
    }
    let rounded = magnitude &+ 0xfff &+ ((magnitude >> 13) & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded &- 0x3800_0000) >> 13)
  }

  /// The float32 value of a bfloat16 bit pattern.
  public static func float(fromBFloat16 bits: UInt16) -> Float {
    Float(bitPattern: UInt32(bits) << 16)
  }

  /// The bfloat16 bit pattern nearest to `value`, ties to even.
  public static func bfloat16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if bits & 0x7fff_ffff > 0x7f80_0000 { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ ((bits >> 16) & 1)) >> 16)
  }
}
