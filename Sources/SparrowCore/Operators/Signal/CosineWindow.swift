/// ONNX HannWindow, HammingWindow and BlackmanWindow: sums of cosines over one period, `[size]`.
/// Input: size (scalar).
public struct CosineWindow: Operator {
  public enum Kind: Hashable, Sendable, CaseIterable {
    case hann, hamming, blackman
  }

  public var kind: Kind
  /// One period has `size` elements; else the last one repeats the first.
  public var isPeriodic = true
  public var dtype = DType.float32

  public init(_ kind: Kind) { self.kind = kind }

  public var name: String {
    switch kind {
    case .hann: "HannWindow"
    case .hamming: "HammingWindow"
    case .blackman: "BlackmanWindow"
    }
  }
  public static var variants: [Self] { Kind.allCases.map { Self($0) } }
  public var inputCount: ClosedRange<Int> { 1...1 }
  public var shapeInputs: [Int] { [0] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("output_datatype", &dtype)
    try visitor.visit("periodic", &isPeriodic)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    _ = try context.type(0)
    guard let size = context.integers(0) else { return [TensorType(dtype, [.unknown])] }
    guard size.count == 1, size[0] >= 0 else {
      throw InferenceError("the size is not a scalar of 0 or more")
    }
    return [TensorType(dtype, shape: size)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let type = try outputTypes(x)[0]
    let count = type.shape[0]
    let period = Double(isPeriodic ? count : Swift.max(count - 1, 1))
    let (constant, first, second): (Double, Double, Double) =
      switch kind {
      case .hann: (0.5, 0.5, 0)
      case .hamming: (25.0 / 46, 21.0 / 46, 0)
      case .blackman: (0.42, 0.5, 0.08)
      }
    let values = (0..<count).map { i in
      let angle = 2 * Double.pi * Double(i) / period
      return constant - first * Math.cos(angle) + second * Math.cos(2 * angle)
    }
    return [Tensor(type.dtype, type.shape, doubles: values)]
  }
}
