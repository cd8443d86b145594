import SparrowCore

/// The numeric element types that operators compute in, with one spelling for integers (which wrap
/// around) and floating point (where NaN wins every comparison of extremes).
protocol Arithmetic: Element, Comparable {
  static var zero: Self { get }
  static var one: Self { get }
  /// Not above any other value.
  static var lowest: Self { get }
  /// Not below any other value.
  static var highest: Self { get }
  static func add(_ a: Self, _ b: Self) -> Self
  static func subtract(_ a: Self, _ b: Self) -> Self
  static func multiply(_ a: Self, _ b: Self) -> Self
  /// Integers truncate; a divisor of 0 gives 0.
  static func divide(_ a: Self, _ b: Self) -> Self
  static func smaller(_ a: Self, _ b: Self) -> Self
  static func larger(_ a: Self, _ b: Self) -> Self
  /// Whether dividing by this value is an error.
  var isForbiddenDivisor: Bool { get }
  init(count: Int)
  /// Integers saturate and truncate; NaN gives 0.
  init(real: Double)
  var real: Double { get }
}

extension Arithmetic where Self: FixedWidthInteger {
  @inline(__always) static var one: Self { 1 }
  @inline(__always) static var lowest: Self { .min }
  @inline(__always) static var highest: Self { .max }
  @inline(__always) static func add(_ a: Self, _ b: Self) -> Self { a &+ b }
  @inline(__always) static func subtract(_ a: Self, _ b: Self) -> Self { a &- b }
  @inline(__always) static func multiply(_ a: Self, _ b: Self) -> Self { a &* b }
  @inline(__always) static func divide(_ a: Self, _ b: Self) -> Self {
    b == 0 ? 0 : a.dividedReportingOverflow(by: b).partialValue
  }
  @inline(__always) static func smaller(_ a: Self, _ b: Self) -> Self { a < b ? a : b }
  @inline(__always) static func larger(_ a: Self, _ b: Self) -> Self { a > b ? a : b }
  @inline(__always) var isForbiddenDivisor: Bool { self == 0 }
  @inline(__always) init(count: Int) { self.init(truncatingIfNeeded: count) }
  @inline(__always) init(real: Double) {
    // Both bounds are exact in Double or round outward, so that the conversion cannot trap.
    if real.isNaN {
      self = 0
    } else if real >= Double(Self.max) {
      self = .max
    } else if real <= Double(Self.min) {
      self = .min
    } else {
      self.init(real)
    }
  }
  @inline(__always) var real: Double { Double(self) }
}

extension Arithmetic where Self: BinaryFloatingPoint {
  @inline(__always) static var one: Self { 1 }
  @inline(__always) static var lowest: Self { -.infinity }
  @inline(__always) static var highest: Self { .infinity }
  @inline(__always) static func add(_ a: Self, _ b: Self) -> Self { a + b }
  @inline(__always) static func subtract(_ a: Self, _ b: Self) -> Self { a - b }
  @inline(__always) static func multiply(_ a: Self, _ b: Self) -> Self { a * b }
  @inline(__always) static func divide(_ a: Self, _ b: Self) -> Self { a / b }
  @inline(__always) static func smaller(_ a: Self, _ b: Self) -> Self {
    a < b || a.isNaN ? a : b
  }
  @inline(__always) static func larger(_ a: Self, _ b: Self) -> Self {
    a > b || a.isNaN ? a : b
  }
  @inline(__always) var isForbiddenDivisor: Bool { false }
  @inline(__always) init(count: Int) { self.init(count) }
  @inline(__always) init(real: Double) { self.init(real) }
  @inline(__always) var real: Double { Double(self) }
}

extension Float: Arithmetic {}
extension Double: Arithmetic {}
extension Int8: Arithmetic {}
extension Int16: Arithmetic {}
extension Int32: Arithmetic {}
extension Int64: Arithmetic {}
extension UInt8: Arithmetic {}
extension UInt16: Arithmetic {}
extension UInt32: Arithmetic {}
extension UInt64: Arithmetic {}

/// Something made once for each arithmetic type.
protocol ArithmeticVisitor {
  associatedtype Result
  func visit<T: Arithmetic>(_ type: T.Type) -> Result
}

extension DType {
  /// What `visitor` makes for this type; nil for bool and the 16-bit floating-point types.
  func accept<V: ArithmeticVisitor>(_ visitor: V) -> V.Result? {
    switch self {
    case .float32: visitor.visit(Float.self)
    case .float64: visitor.visit(Double.self)
    case .int8: visitor.visit(Int8.self)
    case .int16: visitor.visit(Int16.self)
    case .int32: visitor.visit(Int32.self)
    case .int64: visitor.visit(Int64.self)
    case .uint8: visitor.visit(UInt8.self)
    case .uint16: visitor.visit(UInt16.self)
    case .uint32: visitor.visit(UInt32.self)
    case .uint64: visitor.visit(UInt64.self)
    default: nil
    }
  }
}

/// Something made once for each element size: data is moved as unsigned words.
protocol WordVisitor {
  associatedtype Result
  func visit<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> Result
}

extension DType {
  /// What `visitor` makes for words of this type's size.
  func acceptWord<V: WordVisitor>(_ visitor: V) -> V.Result {
    switch size {
    case 1: visitor.visit(UInt8.self)
    case 2: visitor.visit(UInt16.self)
    case 4: visitor.visit(UInt32.self)
    default: visitor.visit(UInt64.self)
    }
  }
}
