/// ONNX CausalConvWithState: a depthwise convolution over the present and the K - 1 positions before.
///
/// Inputs: x `[B,C,L]`, weight `[C,1,K]`, bias? `[C]`, past_state? `[B,C,K-1]` (0 where absent).
/// Outputs: `[B,C,L]` and the last K - 1 positions, `[B,C,K-1]`.
public struct CausalConvWithState: Operator {
  public enum Function: AttributeChoice {
    case none, silu, swish
    public var name: String {
      switch self {
      case .none: "none"
      case .silu: "silu"
      case .swish: "swish"
      }
    }
  }

  public var function = Function.none

  public init() {}
  public var name: String { "CausalConvWithState" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...4 }
  public var opset: Int { 27 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("activation", &function)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    let weight = try context.dimensions(1)
    try ShapeRules.require(rank: x.dimensions, 3...3, "x")
    try ShapeRules.require(rank: weight, 3...3, "the weight")
    var input = x.dimensions ?? [.unknown, .unknown, .unknown]
    var kernel = Dimension.unknown
    if let weight {
      input[1] = try ShapeRules.unify(input[1], weight[0], what: "the channels")
      _ = try ShapeRules.unify(weight[1], .known(1), what: "the weight's axis 1 and")
      if let length = weight[2].value {
        guard length > 0 else { throw InferenceError("the kernel is empty") }
        kernel = .known(length - 1)
      }
    }
    if context.has(2), let bias = try context.dimensions(2) {
      try ShapeRules.require(rank: bias, 1...1, "bias")
      _ = try ShapeRules.unify(bias[0], input[1], what: "bias and channels")
    }
    let state = [input[0], input[1], kernel]
    if context.has(3), let past = try context.dimensions(3) {
      try ShapeRules.require(rank: past, 3...3, "past_state")
      for (a, b) in zip(past, state) {
        _ = try ShapeRules.unify(a, b, what: "sizes of past_state")
      }
    }
    return Array([x, TensorType(x.dtype, state)].prefix(context.outputCount))
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    do throws(InferenceError) {
      _ = try inferTypes(x.context)
    } catch {
      throw ComputeError(error)
    }
    let tensor = try x.tensor(0)
    let (input, weight) = (try x.doubles(0), try x.doubles(1))
    let (batch, channels, length) = (tensor.shape[0], tensor.shape[1], tensor.shape[2])
    let kernel = try x.shape(1)[2]
    let past = x.optional(3)?.doubles ?? []
    let bias = x.optional(2)?.doubles ?? []
    var (output, state): ([Double], [Double]) = ([], [])
    for row in 0..<(batch * channels) {
      let before =
        past.isEmpty
        ? [Double](repeating: 0, count: kernel - 1)
        : Array(past[(row * (kernel - 1))..<((row + 1) * (kernel - 1))])
      let line = before + input[(row * length)..<((row + 1) * length)]
      let channel = row % channels
      for t in 0..<length {
        var sum = bias.isEmpty ? 0 : bias[channel]
        for i in 0..<kernel { sum += weight[channel * kernel + i] * line[t + i] }
        output.append(function == .none ? sum : sum / (1 + Math.exp(-sum)))
      }
      state += line.suffix(kernel - 1)
    }
    let result = [
      Tensor(tensor.dtype, tensor.shape, doubles: output),
      Tensor(tensor.dtype, [batch, channels, kernel - 1], doubles: state),
    ]
    return Array(result.prefix(x.outputCount))
  }
}
