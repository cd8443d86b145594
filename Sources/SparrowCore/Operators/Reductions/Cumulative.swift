/// ONNX CumSum and CumProd: sums or products of the elements up to each one along an axis. Inputs: x,
/// axis (a scalar).
public struct Cumulative: Operator {
  public enum Kind: Hashable, Sendable, CaseIterable {
    case sum, product
  }

  public var kind: Kind
  /// Without the element itself: the first result is 0 or 1.
  public var isExclusive = false
  /// From the last element to the first.
  public var isReverse = false

  public init(_ kind: Kind) { self.kind = kind }
  public var name: String { kind == .sum ? "CumSum" : "CumProd" }
  public static var variants: [Self] { Kind.allCases.map { Self($0) } }
  public var inputCount: ClosedRange<Int> { 2...2 }
  public var opset: Int { kind == .sum ? 1 : 26 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("exclusive", &isExclusive)
    try visitor.visit("reverse", &isReverse)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    if let rank = x.dimensions?.count, let axis = context.integers(1), axis.count == 1 {
      _ = try ShapeRules.axis(axis[0], rank: rank)
    }
    return [x]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let tensor = try x.tensor(0)
    let axis = try ShapeRules.concreteAxis(try x.integer(1), rank: tensor.rank)
    if tensor.dtype.isFloatingPoint {
      var values = tensor.doubles
      accumulate(&values, tensor.shape, axis, kind == .sum ? 0 : 1) {
        kind == .sum ? $0 + $1 : $0 * $1
      }
      return [Tensor(tensor.dtype, tensor.shape, doubles: values)]
    }
    var values = tensor.wrappedIntegers
    accumulate(&values, tensor.shape, axis, kind == .sum ? 0 : 1) {
      kind == .sum ? $0 &+ $1 : $0 &* $1
    }
    return [Tensor(tensor.dtype, tensor.shape, integers: values)]
  }

  private func accumulate<T>(
    _ values: inout [T], _ shape: [Int], _ axis: Int, _ start: T, _ next: (T, T) -> T
  ) {
    let view = AxisView(shape, axis: axis)
    let (outer, length, inner) = (view.outer, view.length, view.inner)
    for unit in 0..<outer * inner {
      let first = unit / inner * length * inner + unit % inner
      var total = start
      for step in 0..<length {
        let i = first + (isReverse ? length - 1 - step : step) * inner
        let before = total
        total = next(total, values[i])
        values[i] = isExclusive ? before : total
      }
    }
  }
}
