import SparrowCore

/// FlexAttention of ai.onnx.preview: softmax(scale Q K') V whose scores and weights pass through
/// graphs of the node's own, which are put in the place between.
extension GraphScope {
  /// The node becomes its last product.
  func flexAttention(_ form: inout NodeForm) throws(FormatError) {
    let q = try form.requiredInput(0)
    var (k, v) = (try form.requiredInput(1), try form.requiredInput(2))
    let dtype = target.builder.dtype(of: q) ?? .float32
    let code = try form.takeInt("softmax_precision")
    var precision: DType = dtype == .float64 ? .float64 : .float32
    if code != 0 {
      guard let named = DType(onnx: Int32(truncatingIfNeeded: code)), named.isFloatingPoint else {
        throw form.unsupported("softmax_precision \(code) is not supported")
      }
      precision = named
    }
    let size = target.builder.length(of: q, axis: 3)
    guard let scale = try form.takeFloat("scale") ?? size.map({ 1 / Float($0).squareRoot() }) else {
      throw form.unsupported("the size of a head is not known")
    }
    if let heads = target.builder.length(of: q, axis: 1),
      let own = target.builder.length(of: k, axis: 1), heads != own
    {
      guard own > 0, heads % own == 0 else {
        throw form.malformed("\(heads) query heads cannot share \(own) key heads")
      }
      let repeated = Tensor((0..<heads).map { Int64($0 / (heads / own)) })
      k = try target.builder.gather(k, repeated, axis: 1, for: form)
      v = try target.builder.gather(v, repeated, axis: 1, for: form)
    }
    let turned = try target.builder.transpose(k, [0, 1, 3, 2], for: form)
    let product = try target.builder.emit(
      .matMul(MatMul()), [q, turned], for: form, "product")
    let wide = try target.builder.cast(product, to: precision, for: form)
    let factor = target.builder.number(Double(scale), like: wide, for: form)
    var scores = try target.builder.emit(.mul, wide, factor, for: form)
    scores = try modified(&form, "score_mod", scores)
    var weights = try target.builder.emit(
      .softmax(Softmax()), [scores], for: form, "weights")
    weights = try modified(&form, "prob_mod", weights)
    form.become(
      .matMul(MatMul()), [try target.builder.cast(weights, to: dtype, for: form), v])
  }

  /// What the graph in an attribute makes of a value; the value where there is none.
  private func modified(
    _ form: inout NodeForm, _ key: String, _ x: ValueID
  ) throws(FormatError) -> ValueID {
    guard let body = try form.take(key, .graph)?.graph else { return x }
    guard let input = body.inputs.first, body.inputs.count == 1,
      let output = body.outputs.first, body.outputs.count == 1
    else { throw form.malformed("\(key) does not have one input and one output") }
    var call = FunctionCall()
    call.callers = self.call?.callers ?? []
    call.attributes = self.call?.attributes ?? [:]
    call.prefix = form.message.displayName + "/" + key + "/"
    let inner = GraphScope(shared, target, opsets: opsets, call: call, depth: depth + 1)
    try source.check(
      inner.depth, ONNXLimits.nesting, "the number of bodies and calls inside each other",
      at: form.message.wire.offset)
    // It sees the names around it.
    for name in body.freeNames {
      if let id = try value(name) { inner.ids[name] = id }
    }
    inner.ids[input.name] = x
    let nodes = try inner.declareConstants(
      body.initializers, body.sparseInitializers, body.nodes)
    try inner.add(nodes, outputs: [output.name])
    guard let id = try inner.value(output.name) else {
      throw form.malformed("output '\(output.name)' of \(key) is made by no node")
    }
    return id
  }
}
