/// ai.onnx.ml LabelEncoder (4) for numbers: each element's value in a table of keys and values, or the
/// default. The last of equal keys counts, and NaN equals NaN.
public struct LabelEncoder: Operator {
  public var keys: NumberList?
  public var values: NumberList?
  /// nil: -1 for integers, -0 for floating point.
  public var otherwise: NumberList?

  public init() {}
  public var name: String { "LabelEncoder" }
  public var domain: String { "ai.onnx.ml" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("default_tensor", &otherwise)
    try visitor.visit("keys_tensor", &keys)
    try visitor.visit("values_tensor", &values)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard let keys, let values, keys.values.count == values.values.count else {
      throw InferenceError("keys and values of numbers must be given, as many of each")
    }
    guard keys.dtype == x.dtype else {
      throw InferenceError("the keys are \(keys.dtype.name), x is \(x.dtype.name)")
    }
    return [TensorType(values.dtype, x.dimensions)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    guard let keys, let values, keys.values.count == values.values.count else {
      throw ComputeError("keys and values must be given, as many of each")
    }
    let tensor = try x.tensor(0)
    let fallback = otherwise?.values.first ?? (values.dtype.isFloatingPoint ? -0.0 : -1)
    var table: [Double: Double] = [:]
    var missing: Double?
    for (key, value) in zip(keys.values, values.values) {
      if key.isNaN { missing = value } else { table[key] = value }
    }
    let found = tensor.doubles.map { $0.isNaN ? missing ?? fallback : table[$0] ?? fallback }
    return [Tensor(values.dtype, tensor.shape, doubles: found)]
  }
}
