/// ONNX GroupNormalization and InstanceNormalization: each group of neighbouring channels of each
/// sample has its mean taken away and is divided by its deviation, then each channel is scaled and
/// shifted. Inputs: x `[N, C, ...]`, scale `[C]`, bias `[C]`.
public struct GroupNormalization: Operator {
  /// nil: every channel is a group, as InstanceNormalization has it.
  public var groups: Int?
  public var epsilon: Float = 1e-5

  public init(groups: Int?) { self.groups = groups }
  public var name: String { groups == nil ? "InstanceNormalization" : "GroupNormalization" }
  public static var variants: [Self] { [Self(groups: nil), Self(groups: 1)] }
  public var inputCount: ClosedRange<Int> { 3...3 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("epsilon", &epsilon)
    guard var count = groups else { return }
    try visitor.visit("num_groups", &count)
    groups = count
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard let input = x.dimensions else { return [x] }
    try ShapeRules.require(rank: input, 2...Int.max, "x")
    for i in 1...2 {
      guard let parameter = try context.dimensions(i) else { continue }
      try ShapeRules.require(rank: parameter, 1...1, "input \(i)")
      _ = try ShapeRules.unify(input[1], parameter[0], what: "channels of x and of input \(i)")
    }
    if let groups {
      guard groups > 0, input[1].value.map({ $0 % groups == 0 }) ?? true else {
        throw InferenceError("\(input[1].text) channels do not divide into \(groups) groups")
      }
    }
    return [x]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let tensor = try x.tensor(0)
    _ = try outputTypes(x)
    let (scale, bias) = (try x.doubles(1), try x.doubles(2))
    let channels = tensor.shape[1]
    let plane = tensor.shape[2...].reduce(1, *)
    let size = channels / (groups ?? channels.nonzero) * plane
    var values = tensor.doubles
    for start in stride(from: 0, to: size == 0 ? 0 : values.count, by: size.nonzero) {
      let mean = values[start..<start + size].reduce(0, +) / Double(size)
      let variance =
        values[start..<start + size].reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(size)
      let inverse = 1 / (variance + Double(epsilon)).squareRoot()
      for i in start..<start + size {
        let channel = i / plane % channels
        values[i] = (values[i] - mean) * inverse * scale[channel] + bias[channel]
      }
    }
    return [Tensor(tensor.dtype, tensor.shape, doubles: values)]
  }
}

extension Int {
  /// This number, or 1 in place of 0.
  fileprivate var nonzero: Int { self == 0 ? 1 : self }
}
