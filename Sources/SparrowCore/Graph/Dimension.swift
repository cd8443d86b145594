/// One axis length of a value's type.
public enum Dimension: Hashable, Sendable {
  case known(Int)
  /// A named length, equal wherever the name appears: `batch`, `sequence`.
  case symbol(String)
  case unknown

  public var value: Int? {
    if case .known(let value) = self { return value }
    return nil
  }

  public var text: String {
    switch self {
    case .known(let value): "\(value)"
    case .symbol(let name): name
    case .unknown: "?"
    }
  }
}

/// The type of a graph value: its element type and, as far as known, its shape.
public struct TensorType: Hashable, Sendable {
  public var dtype: DType
  /// nil when not even the rank is known.
  public var dimensions: [Dimension]?

  public init(_ dtype: DType, _ dimensions: [Dimension]?) {
    (self.dtype, self.dimensions) = (dtype, dimensions)
  }

  public init(_ dtype: DType, shape: [Int]) {
    self.init(dtype, shape.map { .known($0) })
  }

  /// The shape where every dimension is known.
  public var shape: [Int]? {
    guard let dimensions else { return nil }
    var shape: [Int] = []
    for dimension in dimensions {
      guard let value = dimension.value else { return nil }
      shape.append(value)
    }
    return shape
  }

  /// The narrowest type that values of both are of: lengths that differ are unknown. nil where the
  /// element types differ.
  public func union(_ other: TensorType) -> TensorType? {
    guard dtype == other.dtype else { return nil }
    guard let dimensions, let others = other.dimensions, dimensions.count == others.count else {
      return TensorType(dtype, nil)
    }
    return TensorType(dtype, zip(dimensions, others).map { $0 == $1 ? $0 : .unknown })
  }

  /// This type, with what only `other` knows of the same value's shape.
  func completed(by other: TensorType) -> TensorType {
    guard dtype == other.dtype, let known = other.dimensions else { return self }
    guard let dimensions else { return other }
    guard dimensions.count == known.count else { return self }
    return TensorType(dtype, zip(dimensions, known).map { $0 == .unknown ? $1 : $0 })
  }

  /// The longest axis a value may have. It keeps the arithmetic of shape inference, whose factors
  /// (strides, channels of a group) have limits of their own, far from overflow.
  public static var longestAxis: Int { .limit(1 << 32, narrow: 1 << 26) }

  /// Whether every axis keeps to ``longestAxis`` and the known lengths' product, zeros aside, fits.
  public var isRepresentable: Bool {
    var lengths: [Int] = []
    for dimension in dimensions ?? [] {
      guard let length = dimension.value else { continue }
      guard length <= Self.longestAxis else { return false }
      lengths.append(max(length, 1))
    }
    guard let count = lengths.checkedElementCount else { return false }
    return !count.multipliedReportingOverflow(by: dtype.size).overflow
  }

  /// `f32[1,3,h,w]`, `f32[*]` when the rank is unknown.
  public var text: String {
    guard let dimensions else { return dtype.name + "[*]" }
    return dtype.name + "[" + dimensions.map { $0.text }.joined(separator: ",") + "]"
  }
}
