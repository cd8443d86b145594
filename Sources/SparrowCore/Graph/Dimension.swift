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

  /// `f32[1,3,h,w]`, `f32[*]` when the rank is unknown.
  public var text: String {
    guard let dimensions else { return dtype.name + "[*]" }
    return dtype.name + "[" + dimensions.map { $0.text }.joined(separator: ",") + "]"
  }
}
