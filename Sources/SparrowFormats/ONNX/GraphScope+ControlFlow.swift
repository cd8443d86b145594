import SparrowCore

/// If, Loop and Scan.
///
/// A body becomes a graph of its own. What it reads of the graphs around it becomes inputs of the
/// node and of the body's graph; where it lies further out, of all graphs between.
extension GraphScope {
  /// The operator of a form, whose inputs get the captures.
  func controlFlow(_ form: inout NodeForm) throws(FormatError) -> Op {
    let op: Op
    switch form.opType {
    case "If": op = try branches(&form)
    case "Loop": op = try loop(&form)
    default: op = try scan(&form)
    }
    for name in form.attributes.keys.sorted() {
      throw form.unsupported("attribute '\(name)' is not supported here")
    }
    var alone = Graph()
    alone.nodes = [Node(name: "", op: op, inputs: [], outputs: [])]
    try shared.spend(alone.nestedInferenceCost, at: form.message)
    return op
  }

  private func branches(_ form: inout NodeForm) throws(FormatError) -> Op {
    guard form.inputs.count == 1 else {
      throw form.malformed("it has \(form.inputs.count) inputs, expected 1")
    }
    let first = try branch("then_branch", &form)
    let second = try branch("else_branch", &form)
    let known = Set(first.captures)
    let captures = first.captures + second.captures.filter { !known.contains($0) }
    form.inputs += captures
    return .if(
      If(then: first.taking(captures, of: target), else: second.taking(captures, of: target)))
  }

  private func branch(
    _ key: String, _ form: inout NodeForm
  ) throws(FormatError) -> ImportedBody {
    let message = try bodyMessage(key, &form)
    return try bestBody { precision throws(FormatError) in
      let body = try self.body(message, [], precision)
      guard body.graph.outputs.count == form.outputs.count else {
        throw form.malformed(
          "its \(key) has \(body.graph.outputs.count) outputs, the node \(form.outputs.count)")
      }
      return body
    }
  }

  private func loop(_ form: inout NodeForm) throws(FormatError) -> Op {
    let message = try bodyMessage("body", &form)
    let carried = try operands(form.inputs.dropFirst(2), form)
    let condition = form.input(1).flatMap { target.builder.graph[$0].type }
    // Some bodies declare the iteration and the condition as vectors of one element.
    let declared = message.inputs.prefix(2).map { $0.oneElementShape }
    let iteration = TensorType(.int64, declared.first ?? [])
    let going = condition ?? TensorType(.bool, declared.last ?? [])
    let body = try repeatedBody(
      message, [iteration], [going] + carried.types, [], extra: form.outputs.count, form)
    while form.inputs.count < 2, !body.captures.isEmpty { form.inputs.append(nil) }
    form.inputs += body.captures
    let scanned = body.graph.outputs.count - 1 - carried.types.count
    try completeOutputs(&form, carried.types.count + scanned)
    return .loop(Loop(body: body.subgraph))
  }

  private func scan(_ form: inout NodeForm) throws(FormatError) -> Op {
    guard form.opset >= 9 else {
      throw form.unsupported("Scan of operator set 8 works on batches: not supported")
    }
    let message = try bodyMessage("body", &form)
    guard let count = try form.take("num_scan_inputs", .int)?.int, count >= 1,
      count <= form.inputs.count
    else {
      throw form.malformed("num_scan_inputs is not from 1 to its \(form.inputs.count) inputs")
    }
    var scan = Scan(sequenceCount: Int(count))
    scan.inputAxes = try form.take("scan_input_axes", .ints)?.ints.map { Int($0) }
    scan.outputAxes = try form.take("scan_output_axes", .ints)?.ints.map { Int($0) }
    scan.inputDirections = try form.take("scan_input_directions", .ints)?.ints.map { Int($0) }
    scan.outputDirections = try form.take("scan_output_directions", .ints)?.ints.map { Int($0) }
    let states = try operands(form.inputs.dropLast(Int(count)), form)
    var slices: [TensorType] = []
    for (i, type) in try operands(form.inputs.suffix(Int(count)), form).types.enumerated() {
      slices.append(try slice(type, scan.inputAxes, i, form))
    }
    let body = try repeatedBody(
      message, [], states.types, slices, extra: form.outputs.count, form)
    form.inputs += body.captures
    scan.body = body.subgraph
    try completeOutputs(&form, body.graph.outputs.count)
    return .scan(scan)
  }

  private func slice(
    _ type: TensorType, _ axes: [Int]?, _ i: Int, _ form: NodeForm
  ) throws(FormatError) -> TensorType {
    guard var dimensions = type.dimensions else { return type }
    if let axes, i >= axes.count {
      throw form.malformed("scan_input_axes has \(axes.count) entries, expected more")
    }
    let axis = axes?[i] ?? 0
    guard (-dimensions.count..<dimensions.count).contains(axis) else {
      throw form.malformed("axis \(axis) is outside a sequence of rank \(dimensions.count)")
    }
    dimensions.remove(at: axis < 0 ? axis + dimensions.count : axis)
    return TensorType(type.dtype, dimensions)
  }

  private func operands(
    _ ids: ArraySlice<ValueID?>, _ form: NodeForm
  ) throws(FormatError) -> (ids: [ValueID], types: [TensorType]) {
    var result: (ids: [ValueID], types: [TensorType]) = ([], [])
    for (i, id) in zip(ids.indices, ids) {
      guard let id, let type = target.builder.graph[id].type else {
        throw form.malformed("input \(i) is missing")
      }
      result.ids.append(id)
      result.types.append(type)
    }
    return result
  }

  /// Files may leave out trailing outputs; nodes have all of them.
  private func completeOutputs(_ form: inout NodeForm, _ count: Int) throws(FormatError) {
    guard form.outputs.count <= count else {
      throw form.malformed("it has \(form.outputs.count) outputs, its body \(count)")
    }
    while form.outputs.count < count { form.outputs.append("") }
  }

  private func bodyMessage(
    _ key: String, _ form: inout NodeForm
  ) throws(FormatError) -> GraphMessage {
    guard let message = try form.take(key, .graph)?.graph else {
      throw form.malformed("attribute '\(key)' is missing")
    }
    return message
  }
}

/// Bodies.
extension GraphScope {
  /// The first body that does not contradict itself, from the most precise types on.
  private func bestBody(
    _ make: (GraphTarget.Precision) throws(FormatError) -> ImportedBody
  ) throws(FormatError) -> ImportedBody {
    var first: FormatError?
    for precision in GraphTarget.Precision.allCases {
      do {
        return try make(precision)
      } catch {
        guard case .malformed = error else { throw error }
        first = first ?? error
      }
    }
    throw first ?? source.malformed(nil, "a body cannot be read")
  }

  /// A body that is run again and again, with types that its carried values keep in every round.
  private func repeatedBody(
    _ message: GraphMessage, _ leading: [TensorType], _ carried: [TensorType],
    _ rest: [TensorType], extra: Int, _ form: NodeForm
  ) throws(FormatError) -> ImportedBody {
    try bestBody { precision throws(FormatError) in
      var types = carried.map { $0.at(precision) }
      for round in 0..<3 {
        let body = try self.body(message, leading + types + rest, precision)
        let outputs = body.graph.outputs.map { body.graph[$0].type }
        guard outputs.count >= types.count else {
          throw message.wire.malformed(
            "\(form.label): its body has \(outputs.count) outputs, expected \(types.count) or more")
        }
        var next: [TensorType] = []
        for (i, (old, new)) in zip(types, outputs).enumerated() {
          guard let both = new.flatMap({ old.union($0) }) else {
            throw message.wire.malformed(
              "\(form.label): carried value \(i) is \(old.text), its next round's "
                + (new?.text ?? "not known"))
          }
          next.append(both)
        }
        if next == types || round == 2 { return body }
        types = round == 0 ? next : next.map { TensorType($0.dtype, nil) }
      }
      throw message.wire.malformed("\(form.label): its carried values have no type")
    }
  }

  /// A body as a graph, whose own inputs have the given types.
  private func body(
    _ message: GraphMessage, _ types: [TensorType], _ precision: GraphTarget.Precision
  ) throws(FormatError) -> ImportedBody {
    guard message.inputs.count == types.count else {
      throw message.wire.malformed(
        "\(message.wire.what) has \(message.inputs.count) inputs, expected \(types.count)")
    }
    let target = GraphTarget(
      GraphBuilder(source, name: message.name, reserved: []), precision: precision)
    let inner = GraphScope(
      shared, target, opsets: opsets, parent: self, call: call, depth: depth + 1)
    try source.check(
      inner.depth, ONNXLimits.nesting, "the number of bodies and calls inside each other",
      at: message.wire.offset)
    let nodes = try inner.declareConstants(
      message.initializers, message.sparseInitializers, message.nodes)
    let reserved = try inner.declareNames(inputs: message.inputs, nodes)
    target.builder = GraphBuilder(source, name: message.name, reserved: reserved)
    for (input, type) in zip(message.inputs, types) {
      let what = "input '\(input.name)' of \(message.wire.what)"
      if let declared = try input.tensorType(what), declared.dtype != type.dtype {
        throw message.wire.malformed(
          "\(what) is declared \(declared.dtype.name) and given \(type.dtype.name)")
      }
      inner.ids[input.name] = target.builder.graph.addInput(input.name, type)
    }
    try inner.add(nodes, outputs: message.outputs.map { $0.name })
    for output in message.outputs {
      guard let id = try inner.value(output.name) else {
        throw output.wire.malformed("output '\(output.name)' of a body is made by no node")
      }
      target.builder.graph.outputs.append(id)
    }
    return target.finish()
  }
}

extension ValueMessage {
  /// `[1]` where the declared shape is that of a vector, else `[]`: of a value known to be one number.
  fileprivate var oneElementShape: [Dimension] {
    if case .tensor(_, let dimensions?) = kind, dimensions.count == 1 { return [.known(1)] }
    return []
  }
}
