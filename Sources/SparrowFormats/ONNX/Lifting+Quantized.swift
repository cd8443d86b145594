import SparrowCore

/// Quantised operators of com.microsoft: the float operator between conversions from and to integers.
/// The integer kernels that define them do the same sums and round once, as these do.
extension Lift {
  private static func dequantized(
    _ form: NodeForm, _ builder: inout GraphBuilder, _ first: Int, axis: Int = 1
  ) throws(FormatError) -> ValueID {
    var op = DequantizeLinear()
    op.axis = axis
    let inputs = [
      try form.requiredInput(first), try form.requiredInput(first + 1), form.input(first + 2),
    ]
    return try builder.emit(.dequantizeLinear(op), inputs, for: form, "float")
  }

  /// The node becomes a conversion to integers of the first operand's type, with the scale at input
  /// `scale` and the zero point after it.
  private static func quantize(
    _ form: inout NodeForm, _ builder: GraphBuilder, _ x: ValueID, scale: Int, like operand: Int
  ) throws(FormatError) {
    var op = QuantizeLinear()
    let zero = form.input(scale + 1)
    if zero == nil, let dtype = builder.dtype(of: try form.requiredInput(operand)) {
      op.outputType = Int(dtype.rawValue)
    }
    form.become(.quantizeLinear(op), [x, try form.requiredInput(scale), zero])
  }

  /// QLinearAdd and QLinearMul: a, scale, zero?, b, scale, zero?, c's scale, zero?.
  static func quantizedBinary(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    let function: Binary.Function = form.opType == "QLinearAdd" ? .add : .mul
    let a = try dequantized(form, &builder, 0)
    let b = try dequantized(form, &builder, 3)
    let result = try builder.emit(function, a, b, for: form)
    try quantize(&form, builder, result, scale: 6, like: 0)
  }

  /// QLinearSigmoid, QLinearLeakyRelu, QLinearGlobalAveragePool, QLinearAveragePool, QLinearSoftmax:
  /// x, scale, zero?, y's scale, zero?.
  static func quantizedUnary(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    guard try form.takeInt("channels_last") == 0 else {
      throw form.unsupported("channels_last is not supported")
    }
    let softmaxOpset = try form.takeInt("opset", default: 13)
    let op: Op
    switch form.opType {
    case "QLinearSigmoid": op = try form.read(.unary(Unary(.sigmoid)))
    case "QLinearLeakyRelu": op = try form.read(.unary(Unary(.leakyRelu)))
    case "QLinearGlobalAveragePool": op = try form.read(.globalPool(GlobalPool(.average)))
    case "QLinearAveragePool": op = try form.read(.pool(Pool(.average)))
    default:
      op = try form.read(.softmax(Softmax()))
      guard softmaxOpset >= 13 else {
        throw form.unsupported("a softmax of operator set \(softmaxOpset) is not supported")
      }
    }
    let x = try dequantized(form, &builder, 0)
    let result = try builder.emit(op, [x], for: form, "result")
    try quantize(&form, builder, result, scale: 3, like: 0)
  }

  /// QLinearConcat: y's scale, zero, then x, scale, zero of every operand.
  static func quantizedConcat(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    guard form.inputs.count >= 5, form.inputs.count % 3 == 2 else {
      throw form.malformed("it has \(form.inputs.count) inputs, expected 2 and 3 an operand")
    }
    let op = try form.read(.concat(Concat()))
    var parts: [ValueID?] = []
    for i in stride(from: 2, to: form.inputs.count, by: 3) {
      parts.append(try dequantized(form, &builder, i))
    }
    let result = try builder.emit(op, parts, for: form, "result")
    try quantize(&form, builder, result, scale: 0, like: 2)
  }

  /// QGemm: a, scale, zero, b, scale, zero, c? (int32 in steps of alpha * both scales), y's scale?,
  /// zero?. Without y's scale the result is float32.
  static func quantizedGemm(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    guard case .gemm(let gemm) = try form.read(.gemm(Gemm())) else { return }
    let a = try dequantized(form, &builder, 0)
    let b = try dequantized(form, &builder, 3, axis: gemm.transposesB ? 0 : 1)
    var inputs: [ValueID?] = [a, b]
    if let c = form.input(6) {
      let steps = try builder.emit(
        .mul, try form.requiredInput(1), try form.requiredInput(4), for: form)
      let scaled = try builder.emit(
        .mul, steps, builder.number(Double(gemm.alpha), like: steps, for: form), for: form)
      let bias = try builder.cast(c, to: .float32, for: form)
      inputs.append(try builder.emit(.mul, bias, scaled, for: form))
    }
    guard form.input(7) != nil else {
      form.become(.gemm(gemm), inputs)
      return
    }
    let result = try builder.emit(.gemm(gemm), inputs, for: form, "result")
    try quantize(&form, builder, result, scale: 7, like: 0)
  }

  /// MatMulIntegerToFloat: a, b, scales of both, zero points of both?, bias?.
  static func integerProductToFloat(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    let scales = try builder.emit(
      .mul, try form.requiredInput(2), try form.requiredInput(3), for: form)
    try scaledProduct(
      &form, &builder, [form.input(0), form.input(1), form.input(4), form.input(5)], scales,
      bias: form.input(6))
  }

  /// DynamicQuantizeMatMul: a (float32, quantised here), b, its scale, zero point?, bias?.
  static func dynamicQuantizedProduct(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    let a = try builder.emitAll(
      .dynamicQuantizeLinear(DynamicQuantizeLinear()), [try form.requiredInput(0)], outputs: 3,
      for: form, "quantized")
    let scales = try builder.emit(.mul, a[1], try form.requiredInput(2), for: form)
    try scaledProduct(
      &form, &builder, [a[0], form.input(1), a[2], form.input(3)], scales, bias: form.input(4))
  }

  private static func scaledProduct(
    _ form: inout NodeForm, _ builder: inout GraphBuilder, _ inputs: [ValueID?],
    _ scales: ValueID, bias: ValueID?
  ) throws(FormatError) {
    let sums = try builder.emit(.integerProduct(IntegerProduct()), inputs, for: form, "sums")
    let floats = try builder.cast(sums, to: builder.dtype(of: scales) ?? .float32, for: form)
    guard let bias else {
      form.become(.binary(Binary(.mul)), [floats, scales])
      return
    }
    let product = try builder.emit(.mul, floats, scales, for: form)
    form.become(.binary(Binary(.add)), [product, bias])
  }
}
