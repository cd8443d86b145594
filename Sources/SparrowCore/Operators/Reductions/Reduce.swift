/// ONNX ReduceSum, ReduceMean, ReduceMax and the like. Inputs: x, axes?.
public struct Reduce: Operator {
  public enum Kind: Hashable, Sendable, CaseIterable {
    case sum, mean, max, min, product, l1, l2, sumSquare, logSum, logSumExp
    public var name: String {
      switch self {
      case .sum: "ReduceSum"
      case .mean: "ReduceMean"
      case .max: "ReduceMax"
      case .min: "ReduceMin"
      case .product: "ReduceProd"
      case .l1: "ReduceL1"
      case .l2: "ReduceL2"
      case .sumSquare: "ReduceSumSquare"
      case .logSum: "ReduceLogSum"
      case .logSumExp: "ReduceLogSumExp"
      }
    }
  }

  public var kind: Kind
  public var keepsDimensions = true
  /// With no axes given: reduce over none instead of all, each element by itself.
  public var noopWithEmptyAxes = false

  public init(_ kind: Kind, keepsDimensions: Bool = true) {
    (self.kind, self.keepsDimensions) = (kind, keepsDimensions)
  }

  public var name: String { kind.name }
  public static var variants: [Self] { Kind.allCases.map { Self($0) } }
  public var inputCount: ClosedRange<Int> { 1...2 }
  public var shapeInputs: [Int] { [1] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("keepdims", &keepsDimensions)
    try visitor.visit("noop_with_empty_axes", &noopWithEmptyAxes)
  }

  /// The reduced axes, ascending; nil when they are not known.
  public func axes(_ context: InferenceContext, rank: Int) throws(InferenceError) -> [Int]? {
    let given: [Int]
    if context.has(1) {
      guard let known = context.integers(1) else { return nil }
      given = known
    } else {
      given = []
    }
    if given.isEmpty { return noopWithEmptyAxes ? [] : Array(0..<rank) }
    return try ShapeRules.axes(given, rank: rank).sorted()
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard let input = x.dimensions, let axes = try axes(context, rank: input.count) else {
      let open = keepsDimensions ? x.dimensions?.map { _ in Dimension.unknown } : nil
      return [TensorType(x.dtype, open)]
    }
    var output: [Dimension] = []
    for i in input.indices {
      if !axes.contains(i) {
        output.append(input[i])
      } else if keepsDimensions {
        output.append(.known(1))
      }
    }
    return [TensorType(x.dtype, output)]
  }
}
