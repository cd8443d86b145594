/// An attribute that ONNX keeps as a tensor of one axis.
public struct NumberList: Hashable, Sendable {
  public var dtype: DType
  /// The elements as float64, which holds all of them but 64-bit integers beyond 2^53.
  public var values: [Double]

  public init(_ dtype: DType, _ values: [Double]) { (self.dtype, self.values) = (dtype, values) }
  public init(_ tensor: Tensor) { self.init(tensor.dtype, tensor.doubles) }

  /// By bit pattern, so that NaN equals itself.
  public static func == (a: NumberList, b: NumberList) -> Bool {
    a.dtype == b.dtype && a.values.map { $0.bitPattern } == b.values.map { $0.bitPattern }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(dtype)
    for value in values { hasher.combine(value.bitPattern) }
  }

  /// The same as a tensor.
  public var tensor: Tensor { Tensor(dtype, [values.count], doubles: values) }
}
