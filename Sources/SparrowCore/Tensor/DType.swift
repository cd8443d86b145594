/// The element type of a tensor, as in ONNX's `TensorProto.DataType` (real numeric types and bool only).
///
/// Types of fewer than 8 bits take a byte an element in memory: integers as they are, floating-point
/// numbers by their code.
public enum DType: UInt8, Hashable, Sendable, CaseIterable {
  case float32 = 1
  case uint8 = 2
  case int8 = 3
  case uint16 = 4
  case int16 = 5
  case int32 = 6
  case int64 = 7
  case bool = 9
  case float16 = 10
  case float64 = 11
  case uint32 = 12
  case uint64 = 13
  case bfloat16 = 16
  case float8e4m3fn = 17
  case float8e4m3fnuz = 18
  case float8e5m2 = 19
  case float8e5m2fnuz = 20
  case uint4 = 21
  case int4 = 22
  case float4e2m1 = 23
  case float8e8m0 = 24
  case uint2 = 25
  case int2 = 26

  /// Bytes one element takes in dense storage.
  public var size: Int {
    switch self {
    case .uint8, .int8, .bool, .uint4, .int4, .uint2, .int2, .float8e4m3fn, .float8e4m3fnuz,
      .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    }
  }

  /// Bits of one element where elements are packed, as in ONNX files.
  public var bits: Int {
    switch self {
    case .uint4, .int4, .float4e2m1: 4
    case .uint2, .int2: 2
    default: size * 8
    }
  }

  /// Whether the type is one of those with 8 and fewer bits that only move and convert: no arithmetic.
  public var isSmall: Bool { bits < 8 || minifloat != nil }

  /// Whether values are binary floating point.
  public var isFloatingPoint: Bool {
    switch self {
    case .float32, .float16, .float64, .bfloat16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2,
      .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      true
    case .uint8, .int8, .uint16, .int16, .int32, .int64, .bool, .uint32, .uint64, .uint4, .int4,
      .uint2, .int2:
      false
    }
  }

  /// The short name used in the text form of graphs: `f32`, `i64`, `bool`, ...
  public var name: String {
    switch self {
    case .float32: "f32"
    case .float64: "f64"
    case .float16: "f16"
    case .bfloat16: "bf16"
    case .int8: "i8"
    case .int16: "i16"
    case .int32: "i32"
    case .int64: "i64"
    case .uint8: "u8"
    case .uint16: "u16"
    case .uint32: "u32"
    case .uint64: "u64"
    case .bool: "bool"
    case .uint4: "u4"
    case .int4: "i4"
    case .uint2: "u2"
    case .int2: "i2"
    case .float8e4m3fn: "f8e4m3fn"
    case .float8e4m3fnuz: "f8e4m3fnuz"
    case .float8e5m2: "f8e5m2"
    case .float8e5m2fnuz: "f8e5m2fnuz"
    case .float8e8m0: "f8e8m0"
    case .float4e2m1: "f4e2m1"
    }
  }
}

/// A Swift type that stores one element of a ``DType``.
public protocol Element: BitwiseCopyable, Sendable {
  static var dtype: DType { get }
}

extension Float: Element { public static var dtype: DType { .float32 } }
extension Double: Element { public static var dtype: DType { .float64 } }
extension Int8: Element { public static var dtype: DType { .int8 } }
extension Int16: Element { public static var dtype: DType { .int16 } }
extension Int32: Element { public static var dtype: DType { .int32 } }
extension Int64: Element { public static var dtype: DType { .int64 } }
extension UInt8: Element { public static var dtype: DType { .uint8 } }
extension UInt16: Element { public static var dtype: DType { .uint16 } }
extension UInt32: Element { public static var dtype: DType { .uint32 } }
extension UInt64: Element { public static var dtype: DType { .uint64 } }
extension Bool: Element { public static var dtype: DType { .bool } }
