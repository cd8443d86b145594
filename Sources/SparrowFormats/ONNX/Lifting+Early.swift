import SparrowCore

/// Operator sets 1 to 6, which files of old frameworks still use.
extension Lift {
  /// Functions of two tensors before opset 7: `broadcast` allowed the second operand to be smaller,
  /// and `axis` was where its first axis lay in the first one; by default at the end.
  static func broadcastAxis(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    _ = try form.take("broadcast", .int)
    guard let attribute = try form.take("axis", .int), attribute.int >= 0 else { return }
    let (a, b) = (try form.requiredInput(0), try form.requiredInput(1))
    guard let rank = builder.rank(of: a), let own = builder.rank(of: b) else {
      throw form.unsupported("attribute 'axis' needs inputs of known rank")
    }
    guard own <= rank, attribute.int <= rank - own else {
      throw form.malformed(
        "axis \(attribute.int) does not place an operand of rank \(own) in one of rank \(rank)",
        attribute)
    }
    let missing = rank - own - Int(attribute.int)
    form.inputs[1] = try appendAxes(missing, to: b, rank: own, form, &builder)
  }

  /// PRelu before opset 7: a vector of slopes belongs to the channels.
  static func channelSlopes(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    let slope = try form.requiredInput(1)
    guard builder.rank(of: slope) == 1, builder.graph[slope].type?.shape != [1],
      let rank = builder.rank(of: try form.requiredInput(0)), rank > 2
    else { return }
    form.inputs[1] = try appendAxes(rank - 2, to: slope, rank: 1, form, &builder)
  }

  private static func appendAxes(
    _ count: Int, to id: ValueID, rank: Int, _ form: NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) -> ValueID {
    guard count > 0 else { return id }
    let axes = builder.constant(
      Tensor((rank..<(rank + count)).map { Int64($0) }), for: form, "axes")
    return try builder.emit(.unsqueeze(Unsqueeze()), [id, axes], for: form, "aligned")
  }

  /// Gemm before opset 7: C was broadcast only where `broadcast` said so.
  static func gemmBroadcast(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    _ = try form.take("broadcast", .int)
  }

  /// Reshape before opset 5: `shape` was an attribute.
  static func shapeAttribute(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    guard let shape = try form.take("shape", .ints) else {
      throw form.malformed("attribute 'shape' is missing")
    }
    form.setInput(1, builder.constant(Tensor(shape.ints), for: form, "shape"))
  }

  /// Concat before opset 4: `axis` was 1 where it was left out.
  static func concatAxis(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    guard form.attributes["axis"] == nil else { return }
    form.adjustment = { $0 = .concat(Concat(axis: 1)) }
  }

  /// Pad before opset 2: `pads` was called `paddings`.
  static func paddings(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    guard let paddings = try form.take("paddings", .ints) else { return }
    form.attributes["pads"] = paddings
  }

  /// Cast before opset 6: `to` was a type's name.
  static func typeName(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    guard form.attributes["to"]?.kind == .string, let name = try form.take("to", .string) else {
      return
    }
    guard let dtype = typesByName[name.string.uppercased()] else {
      throw form.unsupported("attribute 'to' asks for \(name.string) elements: not supported")
    }
    form.adjustment = { $0 = .cast(Cast(to: dtype)) }
  }

  private static let typesByName: [String: DType] = [
    "FLOAT": .float32, "DOUBLE": .float64, "FLOAT16": .float16, "INT8": .int8, "INT16": .int16,
    "INT32": .int32, "INT64": .int64, "UINT8": .uint8, "UINT16": .uint16, "UINT32": .uint32,
    "UINT64": .uint64, "BOOL": .bool,
  ]
}
