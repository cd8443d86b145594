import SparrowCore

/// Operators that changed their meaning, or that others replaced.
extension Lift {
  /// Upsample (opsets 7 to 9): Resize with asymmetric coordinates. Its scales are an attribute in
  /// opset 7, an input in 9.
  static func upsample(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    if let scales = try form.take("scales", .floats) {
      form.setInput(1, builder.constant(Tensor(scales.floats), for: form, "scales"))
    }
    form.opType = "Resize"
    // From here on as in opset 10; Upsample itself was withdrawn there.
    if form.opset >= 11 { try resize10(&form, &builder) }
  }

  /// Resize in opset 10: no region of interest, asymmetric coordinates, nearest rounding down.
  static func resize10(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    let scales = try form.requiredInput(1)
    form.inputs = [form.input(0), nil, scales]
    // Shrinking takes the next neighbour instead.
    let shrinks = builder.constant(scales)?.floats?.contains { $0 < 1 } ?? false
    form.adjustment = { op in
      guard case .resize(var resize) = op else { return }
      resize.coordinates = .asymmetric
      resize.rounding = shrinks ? .ceil : .floor
      op = .resize(resize)
    }
  }

  /// Resize: an empty tensor of region, scales or sizes means "not given".
  static func resizeEmptyInputs(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    for i in form.inputs.indices.dropFirst() {
      if let id = form.inputs[i], builder.constant(id)?.count == 0 { form.inputs[i] = nil }
    }
  }

  /// GridSample before opset 20 took images only, and named its modes after them.
  static func gridSampleMode(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    switch form.attributes["mode"]?.string {
    case "bilinear": form.attributes["mode"]?.string = "linear"
    case "bicubic": form.attributes["mode"]?.string = "cubic"
    default: break
    }
  }

  /// RoiAlign before opset 16 took regions' borders as they are.
  static func roiAlign10(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError)
  {
    form.adjustment = { op in
      guard case .roiAlign(var align) = op else { return }
      align.coordinates = .outputHalfPixel
      op = .roiAlign(align)
    }
  }

  /// Softmax, LogSoftmax and Hardmax before opset 13 flatten to a matrix before `axis` (1 where it is left
  /// out) and work on its rows. Along the last axis that is the newer form.
  static func coercedSoftmax(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    let op: Op =
      form.opType == "Hardmax"
      ? .hardmax(Hardmax()) : .softmax(Softmax(isLog: form.opType == "LogSoftmax"))
    let axis = Int(try form.take("axis", .int)?.int ?? 1)
    let x = try form.requiredInput(0)
    let rank = builder.rank(of: x)
    if axis == -1 || axis == rank.map({ $0 - 1 }) {
      form.adjustment = { $0 = op }
      return
    }
    let matrix = try builder.emit(.flatten(Flatten(axis: axis)), [x], for: form, "matrix")
    let rows = try builder.emit(op, [matrix], for: form, "rows")
    let shape = try builder.emit(.shapeOf(ShapeOf()), [x], for: form, "shape")
    form.opType = "Reshape"
    form.inputs = [rows, shape]
    form.adjustment = { op in
      guard case .reshape(var reshape) = op else { return }
      reshape.allowsZero = true
      op = .reshape(reshape)
    }
  }

  /// Dropout in inference is the identity; from opset 12 on an input could switch training on.
  static func dropout(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    if let mode = form.input(2) {
      guard builder.constant(mode)?.integers == [0] else {
        throw form.unsupported("training_mode is not a constant false: training is not supported")
      }
    }
    guard form.outputs.count == 1 || form.opset >= 10 else {
      throw form.unsupported("the mask has the type of the data before opset 10: not supported")
    }
    form.inputs = [form.input(0)]
  }

  /// CastLike: the type of the second operand is known.
  static func castLike(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    guard let dtype = builder.dtype(of: try form.requiredInput(1)) else {
      throw form.unsupported("the type of input 1 is not known")
    }
    form.opType = "Cast"
    form.inputs = [form.input(0)]
    let saturates = try form.take("saturate", .int)?.int != 0
    form.adjustment = { op in
      var cast = Cast(to: dtype)
      cast.saturates = saturates
      op = .cast(cast)
    }
  }

  /// SwiGLU: one operand through Swish, times the other.
  static func gatedSwish(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    var swish = Unary(.swish)
    if let alpha = try form.take("alpha", .float) { swish.alpha = alpha.float }
    let gate = try builder.emit(
      .unary(swish), [try form.requiredInput(0)], for: form, "gate")
    form.opType = "Mul"
    form.inputs = [gate, form.input(1)]
  }

  /// GroupNormalization before opset 21: a scale and a bias for each group instead of each channel.
  static func groupParameters(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    let x = try form.requiredInput(0)
    guard let groups = form.attributes["num_groups"]?.int,
      let channels = builder.graph[x].type?.dimensions?.dropFirst().first?.value, groups > 0,
      channels % Int(groups) == 0
    else {
      throw form.unsupported("it needs a number of channels that divides into its groups")
    }
    let width = Tensor([1, Int64(channels / Int(groups))])
    for i in 1...2 {
      let parameter = try form.requiredInput(i)
      let suffix = i == 1 ? "scale" : "bias"
      let column = try builder.emit(
        .unsqueeze(Unsqueeze()),
        [parameter, builder.constant(Tensor([Int64(1)]), for: form, suffix + "_axis")], for: form,
        suffix + "_column")
      let spread = try builder.emit(
        .expand(Expand()), [column, builder.constant(width, for: form, suffix + "_width")],
        for: form, suffix + "_spread")
      let whole = Tensor([Int64(-1)])
      let repeated = try builder.emit(
        .reshape(Reshape()), [spread, builder.constant(whole, for: form, suffix + "_shape")],
        for: form, suffix)
      form.setInput(i, repeated)
    }
  }

  /// DFT before opset 20: the axis was an attribute, 1 where it was left out.
  static func transformAxis(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    let axis = try form.take("axis", .int)?.int ?? 1
    form.setInput(2, builder.constant(Tensor(scalar: axis), for: form, "axis"))
  }

  /// Max, Min, Sum and Mean of any number of operands: a chain of operators of two.
  static func chain(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    let opType = form.opType
    let function: Binary.Function = opType == "Max" ? .max : opType == "Min" ? .min : .add
    var operands: [ValueID] = []
    for i in form.inputs.indices { operands.append(try form.requiredInput(i)) }
    guard var result = operands.first else { throw form.malformed("it has no inputs") }
    if operands.count == 1 {
      form.opType = "Identity"
      return
    }
    let isMean = opType == "Mean"
    // The last link is the node itself, unless a mean's division follows.
    let links = operands.dropFirst().dropLast(isMean ? 0 : 1)
    for (i, operand) in links.enumerated() {
      let op = Op.binary(Binary(function))
      result = try builder.emit(op, [result, operand], for: form, "part\(i)")
    }
    guard isMean else {
      form.opType = function.name
      form.inputs = [result, operands.last]
      return
    }
    guard let dtype = builder.dtype(of: result), dtype.isFloatingPoint else {
      throw form.unsupported("Mean is of floating-point numbers")
    }
    let count = Tensor(dtype, [], integers: [operands.count])
    form.opType = "Div"
    form.inputs = [result, builder.constant(count, for: form, "count")]
  }

  /// Scatter (opsets 9 and 10) is called ScatterElements now.
  static func scatter(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    form.opType = "ScatterElements"
  }

  /// SpaceToDepth from opset 28 on: in mode CRD the channels are those of DCR in another order.
  static func spaceToDepthMode(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    guard let mode = try form.take("mode", .string), mode.string != "DCR" else { return }
    guard mode.string == "CRD" else {
      throw form.unsupported("attribute 'mode' is '\(mode.string)', expected DCR or CRD")
    }
    let x = try form.requiredInput(0)
    let blockSize = Int(try form.take("blocksize", .int)?.int ?? 1)
    let op = SpaceToDepth(blockSize: blockSize)
    let blocks = try builder.emit(.spaceToDepth(op), [x], for: form, "blocks")
    guard let channels = builder.graph[x].type?.dimensions?[1].value, channels < 1 << 24 else {
      throw form.unsupported("mode CRD needs an input whose channels are known")
    }
    let positions = blockSize * blockSize
    let order = (0..<channels).flatMap { c in
      (0..<positions).map { Int64($0 * channels + c) }
    }
    form.inputs = [blocks, builder.constant(Tensor(order), for: form, "order")]
    form.opType = "Gather"
    form.adjustment = { $0 = .gather(Gather(axis: 1)) }
  }

  /// The Gelu of ONNX Runtime's own domain is the standard one.
  static func gelu(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    form.domain = ""
  }

  /// FastGelu of ONNX Runtime's own domain: Gelu's tanh approximation of x plus an optional bias.
  static func fastGelu(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    if let bias = form.input(1) {
      let sum = try builder.emit(
        .binary(Binary(.add)), [try form.requiredInput(0), bias], for: form, "sum")
      form.inputs = [sum]
    }
    (form.domain, form.opType) = ("", "Gelu")
    form.adjustment = { op in
      guard case .unary(var unary) = op else { return }
      unary.approximation = .tanh
      op = .unary(unary)
    }
  }
}
