import SparrowCore

/// Attributes that became inputs.
extension Lift {
  /// Squeeze and Unsqueeze before opset 13, ReduceSum before 13, the other reductions before 18:
  /// `axes` was an attribute.
  static func axesAttribute(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    guard let axes = try form.take("axes", .ints) else { return }
    form.setInput(1, builder.constant(Tensor(axes.ints), for: form, "axes"))
  }

  /// Clip before opset 11: `min` and `max` were attributes; absent ones do not bound.
  static func clipBounds(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    for (input, key) in [(1, "min"), (2, "max")] {
      guard let bound = try form.take(key, .float) else { continue }
      let tensor = try scalar(bound.float, like: try form.requiredInput(0), form, builder)
      form.setInput(input, builder.constant(tensor, for: form, key))
    }
  }

  /// Pad before opset 11: `pads` and `value` were attributes.
  static func padAttributes(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    guard let pads = try form.take("pads", .ints) else {
      throw form.malformed("attribute 'pads' is missing")
    }
    form.setInput(1, builder.constant(Tensor(pads.ints), for: form, "pads"))
    guard let value = try form.take("value", .float), value.float != 0 else { return }
    let tensor = try scalar(value.float, like: try form.requiredInput(0), form, builder)
    form.setInput(2, builder.constant(tensor, for: form, "value"))
  }

  /// Slice before opset 10: `starts`, `ends` and `axes` were attributes.
  static func sliceAttributes(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    for (input, key) in [(1, "starts"), (2, "ends"), (3, "axes")] {
      guard let list = try form.take(key, .ints) else {
        if key == "axes" { continue }
        throw form.malformed("attribute '\(key)' is missing")
      }
      form.setInput(input, builder.constant(Tensor(list.ints), for: form, key))
    }
  }

  /// Split before opset 13: the lengths `split` were an attribute.
  static func splitAttribute(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    guard let lengths = try form.take("split", .ints) else { return }
    form.setInput(1, builder.constant(Tensor(lengths.ints), for: form, "split"))
  }

  /// LpPool and GlobalLpPool before opset 2: the power was a floating-point number.
  static func wholePower(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    guard let power = try form.take("p", .float) else { return }
    guard let p = Int(exactly: power.float) else {
      throw form.unsupported("the norm's power is \(power.float): only whole ones are supported")
    }
    form.adjustment = { op in
      switch op {
      case .lpPool(var pool):
        pool.p = p
        op = .lpPool(pool)
      case .globalLpPool(var pool):
        pool.p = p
        op = .globalLpPool(pool)
      default: break
      }
    }
  }

  /// TopK before opset 10: `k` was an attribute.
  static func topKAttribute(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    guard let k = try form.take("k", .int) else {
      throw form.malformed("attribute 'k' is missing")
    }
    form.setInput(1, builder.constant(Tensor([k.int]), for: form, "k"))
  }

  /// A scalar of the element type of a value.
  private static func scalar(
    _ value: Float, like id: ValueID, _ form: NodeForm, _ builder: GraphBuilder
  ) throws(FormatError) -> Tensor {
    switch builder.dtype(of: id) {
    case .float32: return Tensor(scalar: value)
    case .float64: return Tensor(scalar: Double(value))
    case .float16:
      let bits = HalfPrecision.float16(value)
      return Tensor(dtype: .float16, shape: [], bytes: Bytes(copying: [bits]))
    case let other:
      throw form.unsupported(
        "an operand of type \(other?.name ?? "?") is not supported in this operator set")
    }
  }
}
