import SparrowCore

/// Fused operators of com.microsoft, as onnxruntime's optimizer writes them: their parts.
extension Lift {
  /// An operator that is the same in com.microsoft and in ONNX.
  static func standard(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    form.domain = ""
  }

  /// BiasGelu: Gelu of x + bias.
  static func biasGelu(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    let sum = try builder.emit(
      .add, try form.requiredInput(0), try form.requiredInput(1), for: form)
    form.become(.unary(Unary(.gelu)), [sum])
  }

  /// QuickGelu: x * sigmoid(alpha x).
  static func quickGelu(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    let x = try form.requiredInput(0)
    let alpha = Double(try form.takeFloat("alpha") ?? 1.702)
    let scaled =
      alpha == 1
      ? x
      : try builder.emit(
        .mul, x, builder.number(alpha, like: x, for: form), for: form)
    let gate = try builder.emit(.sigmoid, scaled, for: form)
    form.become(.binary(Binary(.mul)), [x, gate])
  }

  /// FusedMatMul: alpha A' B' with the last two axes of either transposed.
  static func fusedMatMul(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    let alpha = Double(try form.takeFloat("alpha") ?? 1)
    for key in ["transBatchA", "transBatchB"] where try form.takeInt(key) != 0 {
      throw form.unsupported("\(key) is not supported")
    }
    var operands: [ValueID] = []
    for (i, key) in ["transA", "transB"].enumerated() {
      let x = try form.requiredInput(i)
      guard try form.takeInt(key) != 0 else {
        operands.append(x)
        continue
      }
      guard let rank = builder.rank(of: x) else {
        throw form.unsupported("\(key) needs an operand of known rank")
      }
      var order = Array(0..<rank)
      if rank > 1 { order.swapAt(rank - 1, rank - 2) }
      operands.append(try builder.transpose(x, order, for: form))
    }
    guard alpha != 1 else { return form.become(.matMul(MatMul()), operands) }
    let product = try builder.emit(.matMul(MatMul()), operands, for: form, "product")
    form.become(
      .binary(Binary(.mul)), [product, builder.number(alpha, like: product, for: form)])
  }

  /// FusedConv and FusedGemm: the operator, then an activation.
  static func fusedActivation(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    let isConv = form.opType == "FusedConv"
    let name = try form.take("activation", .string)?.string ?? ""
    var parameters = try form.take("activation_params", .floats)?.floats ?? []
    for key in ["activation_alpha", "activation_beta", "activation_gamma"] {
      if let value = try form.takeFloat(key) { parameters.append(value) }
    }
    if isConv, form.input(3) != nil {
      throw form.unsupported("an addend (input 3) is not supported")
    }
    let first = parameters.first
    let second = parameters.count > 1 ? parameters[1] : nil
    let activation: Activation
    switch name {
    case "": activation = .none
    case "Relu": activation = .relu
    case "Sigmoid": activation = .sigmoid
    case "Tanh": activation = .tanh
    case "Clip": activation = .clip(low: first ?? -.infinity, high: second ?? .infinity)
    case "HardSigmoid": activation = .hardSigmoid(alpha: first ?? 0.2, beta: second ?? 0.5)
    case "LeakyRelu":
      // Not one of Sparrow's own fused functions: a node after the operator.
      let op = try form.read(isConv ? .conv(Conv()) : .gemm(Gemm()))
      let x = try builder.emit(op, form.inputs, for: form, "linear")
      var leaky = Unary(.leakyRelu)
      leaky.alpha = first ?? 0.01
      return form.become(.unary(leaky), [x])
    default: throw form.unsupported("activation '\(name)' is not supported")
    }
    (form.domain, form.opType) = ("", isConv ? "Conv" : "Gemm")
    form.adjustment = { $0.activation = activation }
  }

  /// SkipLayerNormalization: the normalised sum of x, skip and bias?; the sum is output 3.
  static func skipLayerNorm(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    let sum = try skipSum(&form, &builder, bias: 4)
    let epsilon = try form.takeFloat("epsilon") ?? 1e-12
    form.become(
      .layerNormalization(LayerNormalization(axis: -1, epsilon: epsilon)),
      [sum, try form.requiredInput(2), form.input(3)])
  }

  /// SkipSimplifiedLayerNormalization: the same without a mean and a shift.
  static func skipRootMeanSquare(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    let sum = try skipSum(&form, &builder, bias: 3)
    let epsilon = try form.takeFloat("epsilon") ?? 1e-12
    form.become(
      .rmsNormalization(RMSNormalization(epsilon: epsilon)), [sum, try form.requiredInput(2)])
  }

  /// SimplifiedLayerNormalization: x over the root of its mean square, times a scale.
  static func simplifiedLayerNorm(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    let x = try form.requiredInput(0)
    let axis = try form.takeInt("axis", default: -1)
    guard axis == -1 || axis == builder.rank(of: x).map({ $0 - 1 }) else {
      throw form.unsupported("axis \(axis) is not the last")
    }
    let epsilon = try form.takeFloat("epsilon") ?? 1e-5
    guard !form.wants(1) else { throw form.unsupported("the inverse deviation is not supported") }
    form.become(
      .rmsNormalization(RMSNormalization(epsilon: epsilon)), [x, try form.requiredInput(1)])
  }

  private static func skipSum(
    _ form: inout NodeForm, _ builder: inout GraphBuilder, bias: Int
  ) throws(FormatError) -> ValueID {
    var sum = try builder.emit(
      .add, try form.requiredInput(0), try form.requiredInput(1), for: form)
    if let bias = form.input(bias) { sum = try builder.emit(.add, sum, bias, for: form) }
    form.setOutput(3, sum)
    guard !form.wants(1), !form.wants(2) else {
      throw form.unsupported("the mean and deviation outputs are not supported")
    }
    form.outputs = [form.outputs[0]]
    return sum
  }

  /// EmbedLayerNormalization: the normalised sum of word, position and segment? embeddings. Inputs:
  /// ids `[B,L]`, segments? `[B,L]`, the three tables, scale, shift, mask? `[B,L]`, positions?. Outputs:
  /// the result, how many of each mask are not 0, and the sum.
  static func embedLayerNorm(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    let ids = try form.requiredInput(0)
    func rows(_ table: ValueID, _ indices: ValueID) throws(FormatError) -> ValueID {
      try builder.emit(.gather(Gather()), [table, indices], for: form, "rows")
    }
    var positions = form.input(8)
    if positions == nil {
      let shape = try builder.emit(.shapeOf(ShapeOf()), [ids], for: form, "shape")
      let length = try builder.gather(shape, Tensor(scalar: Int64(1)), axis: 0, for: form)
      let bounds = [Int64(0), 1].map { builder.constant(Tensor(scalar: $0), for: form, "bound") }
      positions = try builder.emit(
        .range(RangeOf()), [bounds[0], length, bounds[1]], for: form, "positions")
    }
    guard let positions else { return }
    var sum = try builder.emit(
      .add, try rows(try form.requiredInput(2), ids),
      try rows(try form.requiredInput(3), positions), for: form)
    if let segments = form.input(1) {
      sum = try builder.emit(
        .add, sum, try rows(try form.requiredInput(4), segments), for: form)
    }
    if form.wants(1) {
      guard let mask = form.input(7) else {
        throw form.unsupported("the mask's sums are read, and there is no mask")
      }
      let counts = try builder.emit(
        .reduce(Reduce(.sum, keepsDimensions: false)),
        [try builder.cast(mask, to: .int32, for: form), builder.integers([1], for: form)],
        for: form, "counts")
      form.setOutput(1, counts)
    }
    form.setOutput(2, sum)
    form.outputs = [form.outputs[0]]
    let epsilon = try form.takeFloat("epsilon") ?? 1e-12
    form.become(
      .layerNormalization(LayerNormalization(axis: -1, epsilon: epsilon)),
      [sum, try form.requiredInput(5), try form.requiredInput(6)])
  }
}
