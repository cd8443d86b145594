import CPlatform

/// Functions of float64 for reference implementations, from the C library.
public enum Math {
  public static func exp(_ x: Double) -> Double { sp_f64_exp(x) }
  public static func expm1(_ x: Double) -> Double { sp_f64_expm1(x) }
  public static func log(_ x: Double) -> Double { sp_f64_log(x) }
  public static func log1p(_ x: Double) -> Double { sp_f64_log1p(x) }
  public static func log2(_ x: Double) -> Double { sp_f64_log2(x) }
  public static func sin(_ x: Double) -> Double { sp_f64_sin(x) }
  public static func cos(_ x: Double) -> Double { sp_f64_cos(x) }
  public static func tan(_ x: Double) -> Double { sp_f64_tan(x) }
  public static func asin(_ x: Double) -> Double { sp_f64_asin(x) }
  public static func acos(_ x: Double) -> Double { sp_f64_acos(x) }
  public static func atan(_ x: Double) -> Double { sp_f64_atan(x) }
  public static func sinh(_ x: Double) -> Double { sp_f64_sinh(x) }
  public static func cosh(_ x: Double) -> Double { sp_f64_cosh(x) }
  public static func tanh(_ x: Double) -> Double { sp_f64_tanh(x) }
  public static func asinh(_ x: Double) -> Double { sp_f64_asinh(x) }
  public static func acosh(_ x: Double) -> Double { sp_f64_acosh(x) }
  public static func atanh(_ x: Double) -> Double { sp_f64_atanh(x) }
  public static func erf(_ x: Double) -> Double { sp_f64_erf(x) }
  public static func cbrt(_ x: Double) -> Double { sp_f64_cbrt(x) }
  public static func logGamma(_ x: Double) -> Double { sp_f64_lgamma(x) }
  public static func gamma(_ x: Double) -> Double { sp_f64_tgamma(x) }
  public static func pow(_ x: Double, _ y: Double) -> Double { sp_f64_pow(x, y) }
  public static func atan2(_ y: Double, _ x: Double) -> Double { sp_f64_atan2(y, x) }
  /// The remainder with the sign of `x`.
  public static func fmod(_ x: Double, _ y: Double) -> Double { sp_f64_fmod(x, y) }
}
