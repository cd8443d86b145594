/// ONNX Range: `start + i * delta` up to `limit`, which is left out. Inputs: start, limit, delta
/// (scalars of one type).
public struct RangeOf: Operator {
  public init() {}
  public var name: String { "Range" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 3...3 }
  public func opset(of dtype: DType) -> Int {
    dtype == .float16 || dtype == .bfloat16 ? 27 : 1
  }
  public var shapeInputs: [Int] { [0, 1, 2] }

  /// The number of elements; nil where the inputs are not known, or nobody could count that far.
  public static func count(_ start: Tensor?, _ limit: Tensor?, _ delta: Tensor?) -> Int? {
    guard let start, let limit, let delta else { return nil }
    if let a = start.integers?.first, let b = limit.integers?.first, let d = delta.integers?.first {
      let (span, overflow) = b.subtractingReportingOverflow(a)
      guard d != 0, d != Int.min, !overflow, span != 0, span != Int.min, (span > 0) == (d > 0)
      else { return 0 }
      return (abs(span) - 1) / abs(d) + 1
    }
    guard start.dtype.isFloatingPoint, let a = start.doubles.first, let b = limit.doubles.first,
      let d = delta.doubles.first
    else { return nil }
    let steps = ((b - a) / d).rounded(.up)
    return steps.isFinite ? Int(exactly: Swift.max(steps, 0)) : nil
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let type = try context.type(0)
    for i in 1...2 where try context.type(i).dtype != type.dtype {
      throw InferenceError(
        "input \(i) is \(try context.type(i).dtype.name), input 0 is \(type.dtype.name)")
    }
    let constants = (0..<3).map { context.inputs[$0]?.constant }
    let count = Self.count(constants[0], constants[1], constants[2])
    return [TensorType(type.dtype, [count.map { .known($0) } ?? .unknown])]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let type = try outputTypes(x)[0]
    let count = type.shape.elementCount
    if type.dtype.isFloatingPoint {
      let (start, delta) = (try x.double(0), try x.double(2))
      let values = (0..<count).map { start + Double($0) * delta }
      return [Tensor(type.dtype, type.shape, doubles: values)]
    }
    let (start, delta) = (try x.integer(0), try x.integer(2))
    let values = (0..<count).map { start &+ $0 &* delta }
    return [Tensor(type.dtype, type.shape, integers: values)]
  }
}
