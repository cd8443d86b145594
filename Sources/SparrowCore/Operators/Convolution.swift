/// ONNX Conv. Inputs: x `[N, C, ...]`, weight `[O, C/group, ...]`, bias `[O]`?, addend of the
/// output's shape? (Sparrow's own: added before the activation). Output `[N, O, ...]`.
public struct Conv: Operator {
  public var window: Window
  public var group: Int
  /// Sparrow's own: applied to the result.
  public var activation: Activation

  public init(window: Window = Window(), group: Int = 1, activation: Activation = .none) {
    (self.window, self.group, self.activation) = (window, group, activation)
  }

  public var name: String { "Conv" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...3 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try window.visit(&visitor)
    try visitor.visit("group", &group)
    try visitor.visit("activation", &activation)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    try ShapeRules.require(rank: x.dimensions, 3...5, "x")
    guard let input = x.dimensions, let weight = try context.dimensions(1) else {
      return [TensorType(x.dtype, nil)]
    }
    guard weight.count == input.count else {
      throw InferenceError("the weight has rank \(weight.count), x has rank \(input.count)")
    }
    guard group > 0 else { throw InferenceError("group is \(group), expected 1 or more") }
    if let channels = input[1].value, let perGroup = weight[1].value {
      let (expected, overflow) = perGroup.multipliedReportingOverflow(by: group)
      guard !overflow, channels == expected else {
        throw InferenceError(
          "x has \(channels) channels, the weight expects \(perGroup) x \(group) groups")
      }
    }
    if let outputs = weight[0].value, outputs % group != 0 {
      throw InferenceError("\(outputs) output channels do not divide into \(group) groups")
    }
    let kernel = TensorType(.float32, Array(weight.dropFirst(2))).shape
    let spatial = Array(input.dropFirst(2))
    guard kernel != nil || window.kernel != nil else {
      let open = [Dimension](repeating: .unknown, count: spatial.count)
      return [TensorType(x.dtype, [input[0], weight[0]] + open)]
    }
    let output = try window.outputDimensions(kernel: kernel, input: spatial)
    return [TensorType(x.dtype, [input[0], weight[0]] + output)]
  }
}

/// ONNX ConvTranspose. Inputs: x `[N, C, ...]`, weight `[C, O/group, ...]`, bias `[O]`?.
public struct ConvTranspose: Operator {
  public var window: Window
  public var group: Int
  public var outputPadding: [Int]?
  public var outputShape: [Int]?
  public var activation: Activation

  public init(window: Window = Window(), group: Int = 1, activation: Activation = .none) {
    (self.window, self.group, self.activation) = (window, group, activation)
  }

  public var name: String { "ConvTranspose" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...3 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try window.visit(&visitor)
    try visitor.visit("group", &group)
    try visitor.visit("output_padding", &outputPadding)
    try visitor.visit("output_shape", &outputShape)
    try visitor.visit("activation", &activation)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    guard let input = x.dimensions, let weight = try context.dimensions(1) else {
      return [TensorType(x.dtype, nil)]
    }
    guard input.count >= 3, weight.count == input.count else {
      throw InferenceError("x has rank \(input.count) and the weight \(weight.count)")
    }
    guard group > 0 else { throw InferenceError("group is \(group), expected 1 or more") }
    _ = try ShapeRules.unify(input[1], weight[0], what: "channels of x and of the weight")
    if let inputs = weight[0].value, inputs % group != 0 {
      throw InferenceError("\(inputs) input channels do not divide into \(group) groups")
    }
    var channels = Dimension.unknown
    if let perGroup = weight[1].value {
      let (product, overflow) = perGroup.multipliedReportingOverflow(by: group)
      guard !overflow else { throw InferenceError("group is \(group), which is too large") }
      channels = .known(product)
    }
    let spatial = Array(input.dropFirst(2))
    guard let shape = TensorType(.float32, spatial).shape,
      let kernel = TensorType(.float32, Array(weight.dropFirst(2))).shape
    else {
      let open = [Dimension](repeating: .unknown, count: spatial.count)
      return [TensorType(x.dtype, [input[0], channels] + open)]
    }
    let geometry = try resolved(kernel: kernel, input: shape)
    return [TensorType(x.dtype, [input[0], channels] + geometry.output.map { .known($0) })]
  }

  /// The window with pads resolved as ONNX's formula says, and the output lengths.
  public func resolved(
    kernel: [Int], input: [Int]
  ) throws(InferenceError) -> (window: Window.Resolved, output: [Int]) {
    var plain = window
    plain.autoPad = .notSet
    var result = try plain.resolved(kernel: kernel, input: input.map { .known($0) })
    let extra = outputPadding ?? [Int](repeating: 0, count: input.count)
    guard extra.count == input.count, (outputShape?.count ?? input.count) == input.count else {
      throw InferenceError("output_padding and output_shape must have \(input.count) entries")
    }
    for length in extra + (outputShape ?? []) where length < 0 || length > TensorType.longestAxis {
      throw InferenceError("output_padding or output_shape has the entry \(length)")
    }
    var output: [Int] = []
    for i in input.indices {
      let span = (result.kernel[i] - 1) * result.dilations[i] + 1
      let full = result.strides[i] * (input[i] - 1) + extra[i] + span
      let same = window.autoPad == .sameUpper || window.autoPad == .sameLower
      if let wanted = outputShape?[i] ?? (same ? input[i] * result.strides[i] : nil) {
        let total = max(0, full - wanted)
        let small = total / 2
        result.padsBegin[i] = window.autoPad == .sameUpper ? small : total - small
        result.padsEnd[i] = total - result.padsBegin[i]
        output.append(wanted)
      } else {
        output.append(full - result.padsBegin[i] - result.padsEnd[i])
      }
      guard output[i] > 0 else {
        throw InferenceError("the output length of axis \(i + 2) is \(output[i])")
      }
    }
    return (result, output)
  }
}
