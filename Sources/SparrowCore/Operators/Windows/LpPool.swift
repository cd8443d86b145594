/// ONNX LpPool: the p-norm of each window over `[N, C, ...]`; padding counts nothing.
public struct LpPool: Operator {
  public var window: Window
  public var p = 2
  /// Round output lengths up.
  public var ceilMode = false

  public init(window: Window = Window()) { self.window = window }
  public var name: String { "LpPool" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try window.visit(&visitor)
    try visitor.visit("p", &p)
    try visitor.visit("ceil_mode", &ceilMode)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard p >= 1 else { throw InferenceError("p is \(p), expected 1 or more") }
    try ShapeRules.require(rank: x.dimensions, 3...Int.max, "x")
    guard let input = x.dimensions else { return [x] }
    let output = try window.outputDimensions(
      kernel: nil, input: Array(input.dropFirst(2)), ceilMode: ceilMode)
    return [TensorType(x.dtype, Array(input[..<2]) + output)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, shape) = (try x.tensor(0), try outputShape(x))
    let spatial = Array(tensor.shape[2...])
    let table = try WindowTable(
      try window.concrete(kernel: nil, input: spatial), input: spatial,
      output: Array(shape[2...]))
    let norm = PowerNorm(p: p)
    let data = tensor.doubles
    let plane = spatial.elementCount
    var values: [Double] = []
    for channel in 0..<shape[0] * shape[1] {
      for position in 0..<table.outputs {
        let entries = table.entries[position * table.taps..<(position + 1) * table.taps]
        values.append(
          norm.value(entries.lazy.filter { $0 >= 0 }.map { data[channel * plane + $0] }))
      }
    }
    return [Tensor(tensor.dtype, shape, doubles: values)]
  }
}

/// ONNX GlobalLpPool: the p-norm of each plane of `[N, C, ...]`.
public struct GlobalLpPool: Operator {
  public var p = 2

  public init() {}
  public var name: String { "GlobalLpPool" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("p", &p)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard p >= 1 else { throw InferenceError("p is \(p), expected 1 or more") }
    try ShapeRules.require(rank: x.dimensions, 3...Int.max, "x")
    guard let input = x.dimensions else { return [x] }
    let ones = [Dimension](repeating: .known(1), count: input.count - 2)
    return [TensorType(x.dtype, Array(input[..<2]) + ones)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, shape) = (try x.tensor(0), try outputShape(x))
    let plane = tensor.shape[2...].elementCount
    let (data, norm) = (tensor.doubles, PowerNorm(p: p))
    let values = (0..<shape.elementCount).map { channel in
      norm.value(data[channel * plane..<(channel + 1) * plane])
    }
    return [Tensor(tensor.dtype, shape, doubles: values)]
  }
}

/// (sum |x|^p)^(1/p)
struct PowerNorm {
  let p: Int

  func value(_ numbers: some Sequence<Double>) -> Double {
    switch p {
    case 1: return numbers.reduce(0) { $0 + Swift.abs($1) }
    case 2: return numbers.reduce(0) { $0 + $1 * $1 }.squareRoot()
    default:
      let sum = numbers.reduce(0) { $0 + Math.pow(Swift.abs($1), Double(p)) }
      return Math.pow(sum, 1 / Double(p))
    }
  }
}
