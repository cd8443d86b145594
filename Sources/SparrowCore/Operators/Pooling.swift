/// ONNX MaxPool and AveragePool over `[N, C, ...]`. Outputs: values, and for MaxPool the positions they
/// had in x? (int64).
public struct Pool: Operator {
  public enum Kind: Hashable, Sendable { case max, average }

  public var kind: Kind
  public var window: Window
  /// Round output lengths up.
  public var ceilMode = false
  /// Average pooling: padding counts in the divisor.
  public var countsPadding = false
  /// Maximum: positions are counted with the first spatial axis running fastest.
  public var countsColumnsFirst = false

  public init(_ kind: Kind, window: Window = Window()) { (self.kind, self.window) = (kind, window) }

  public var name: String { kind == .max ? "MaxPool" : "AveragePool" }
  public static var variants: [Self] { [Self(.average), Self(.max)] }
  public var inputCount: ClosedRange<Int> { 1...1 }
  /// Older ones count windows that begin in the padding at the end.
  public var opset: Int { ceilMode ? 22 : 1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try window.visit(&visitor)
    try visitor.visit("ceil_mode", &ceilMode)
    switch kind {
    case .average: try visitor.visit("count_include_pad", &countsPadding)
    case .max: try visitor.visit("storage_order", &countsColumnsFirst)
    }
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    guard context.outputCount <= (kind == .max ? 2 : 1) else {
      throw InferenceError("it has \(context.outputCount) outputs")
    }
    let x = try context.type(0)
    try ShapeRules.require(rank: x.dimensions, 3...5, "x")
    var output: [Dimension]?
    if let input = x.dimensions {
      output =
        try input[..<2]
        + window.outputDimensions(
          kernel: nil, input: Array(input.dropFirst(2)), ceilMode: ceilMode)
    }
    return [TensorType(x.dtype, output), TensorType(.int64, output)].prefixed(context.outputCount)
  }
}

/// ONNX GlobalAveragePool and GlobalMaxPool: every spatial axis becomes 1.
public struct GlobalPool: Operator {
  public var kind: Pool.Kind

  public init(_ kind: Pool.Kind) { self.kind = kind }

  public var name: String { kind == .max ? "GlobalMaxPool" : "GlobalAveragePool" }
  public static var variants: [Self] { [Self(.average), Self(.max)] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    try ShapeRules.require(rank: x.dimensions, 3...8, "x")
    guard let input = x.dimensions else { return [x] }
    let ones = [Dimension](repeating: .known(1), count: input.count - 2)
    return [TensorType(x.dtype, Array(input[..<2]) + ones)]
  }
}
