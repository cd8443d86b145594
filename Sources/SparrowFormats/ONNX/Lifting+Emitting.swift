import SparrowCore

/// Short forms for lifts that make several operators of one.
extension GraphBuilder {
  /// An operator with several outputs that a lift introduces.
  mutating func emitAll(
    _ op: Op, _ inputs: [ValueID?], outputs: Int, for form: NodeForm, _ suffix: String
  ) throws(FormatError) -> [ValueID] {
    let names = (0..<outputs).map { _ in freshName(form.message.displayName + "_" + suffix) }
    return try add(op, inputs, name: names[0], outputs: names, at: form)
  }

  mutating func emit(
    _ function: Binary.Function, _ a: ValueID, _ b: ValueID, for form: NodeForm
  ) throws(FormatError) -> ValueID {
    try emit(.binary(Binary(function)), [a, b], for: form, function.name.lowercased())
  }

  mutating func emit(
    _ function: Unary.Function, _ x: ValueID, for form: NodeForm
  ) throws(FormatError) -> ValueID {
    try emit(.unary(Unary(function)), [x], for: form, function.name.lowercased())
  }

  /// A number of the element type of a value; float32 where that is not known.
  mutating func number(_ value: Double, like id: ValueID, for form: NodeForm) -> ValueID {
    constant(Tensor(dtype(of: id) ?? .float32, [], doubles: [value]), for: form, "number")
  }

  mutating func integers(_ values: [Int], for form: NodeForm) -> ValueID {
    constant(Tensor(values.map { Int64($0) }), for: form, "integers")
  }

  mutating func cast(
    _ x: ValueID, to dtype: DType, for form: NodeForm
  ) throws(FormatError) -> ValueID {
    if self.dtype(of: x) == dtype { return x }
    return try emit(.cast(Cast(to: dtype)), [x], for: form, "cast")
  }

  mutating func transpose(
    _ x: ValueID, _ permutation: [Int], for form: NodeForm
  ) throws(FormatError) -> ValueID {
    var transpose = Transpose()
    transpose.permutation = permutation
    return try emit(.transpose(transpose), [x], for: form, "transposed")
  }

  mutating func unsqueeze(
    _ x: ValueID, _ axes: [Int], for form: NodeForm
  ) throws(FormatError) -> ValueID {
    try emit(.unsqueeze(Unsqueeze()), [x, integers(axes, for: form)], for: form, "unsqueezed")
  }

  mutating func gather(
    _ x: ValueID, _ indices: Tensor, axis: Int, for form: NodeForm
  ) throws(FormatError) -> ValueID {
    let table = constant(indices, for: form, "indices")
    return try emit(.gather(Gather(axis: axis)), [x, table], for: form, "gathered")
  }

  /// The elements `range` of the last axis.
  mutating func columns(
    _ x: ValueID, _ range: Range<Int>, for form: NodeForm
  ) throws(FormatError) -> ValueID {
    let bounds = [range.lowerBound, range.upperBound, -1].map { integers([$0], for: form) }
    return try emit(.slice(Slice()), [x] + bounds, for: form, "part")
  }

  /// The lengths of all axes, where they are known.
  func shape(of id: ValueID) -> [Int]? { graph[id].type?.shape }

  /// The length of an axis, counted from the back where negative; nil where it is not known.
  func length(of id: ValueID, axis: Int) -> Int? {
    guard let dimensions = graph[id].type?.dimensions else { return nil }
    let place = axis < 0 ? axis + dimensions.count : axis
    return dimensions.indices.contains(place) ? dimensions[place].value : nil
  }
}

extension NodeForm {
  /// Whether output `i` is read.
  func wants(_ i: Int) -> Bool { i < outputs.count && !outputs[i].isEmpty }

  /// Output `i` is a value that a lift has made, and none of the node's that remains.
  mutating func setOutput(_ i: Int, _ id: ValueID) {
    if wants(i) { made.append((outputs[i], id)) }
    if i < outputs.count { outputs[i] = "" }
    while outputs.count > 1, outputs.last == "" { outputs.removeLast() }
  }

  /// An operator with the attributes of this node.
  func read(_ op: Op) throws(FormatError) -> Op {
    var op = op
    var reader = ONNXAttributeReader(self)
    try op.visitAttributes(&reader)
    try reader.checkRest()
    return op
  }

  /// Turns the node into an ONNX operator whose attributes are all set here.
  mutating func become(_ op: Op, _ inputs: [ValueID?]) {
    (opType, domain, self.inputs, attributes) = (op.name, op.domain, inputs, [:])
    while let last = self.inputs.last, last == nil { self.inputs.removeLast() }
    adjustment = { $0 = op }
  }

  mutating func takeInt(_ key: String, default value: Int = 0) throws(FormatError) -> Int {
    try take(key, .int).map { Int($0.int) } ?? value
  }

  mutating func takeFloat(_ key: String) throws(FormatError) -> Float? {
    try take(key, .float)?.float
  }
}
