import SparrowCore

extension ChannelRemoval {
  /// Writes anew what a node says of lengths that have changed.
  mutating func rewrite(_ index: Int) throws(CompressError) {
    let node = graph.nodes[index]
    guard isCut(node.input(0)) || node.outputs.contains(where: { isCut($0) }) else { return }
    switch node.op {
    case .conv(var op) where op.group > 1:
      op.group = groups(op.group, node, perGroup: node.input(1).flatMap { oldLength($0, 1) })
      graph.nodes[index].op = .conv(op)
    case .convTranspose(var op) where op.group > 1:
      let inputs = node.input(0).flatMap { oldLength($0, 1) }
      op.group = groups(op.group, node, perGroup: inputs.map { $0 / op.group })
      graph.nodes[index].op = .convTranspose(op)
    case .split(var op):
      guard let x = node.input(0), let rank = source[x].type?.dimensions?.count,
        let axis = try? ShapeRules.axis(op.axis, rank: rank)
      else { throw unclear(node) }
      let lengths = node.outputs.compactMap { newLength($0, axis) }
      guard lengths.count == node.outputs.count else { throw unclear(node) }
      op.outputs = nil
      graph.nodes[index].op = .split(op)
      graph.nodes[index].inputs = [x, constant(lengths, for: node)]
    case .slice(let op): try rewriteSlice(op, index)
    case .gather(let op): try rewriteGather(op, index)
    case .reshape: try rewriteReshape(index)
    case .squeeze where node.input(1) == nil:
      guard let x = node.input(0), let shape = source[x].type?.shape else { throw unclear(node) }
      let axes = constant(shape.indices.filter { shape[$0] == 1 }, for: node)
      graph.nodes[index].inputs = [x, axes]
    default: return
    }
  }

  private func unclear(_ node: Node) -> CompressError {
    .badCut(reason: "\(node.label) cannot be written for other lengths")
  }

  /// A constant of integers for one node.
  private mutating func constant(_ integers: [Int], for node: Node) -> ValueID {
    let base = node.name.isEmpty ? node.outputs.first.map { graph[$0].name } ?? "" : node.name
    return graph.addConstant(
      graph.unusedName(base + "_lengths"), Tensor(integers.map { Int64($0) }))
  }

  /// The groups that are left of a convolution whose groups go as a whole; else all.
  private func groups(_ group: Int, _ node: Node, perGroup: Int?) -> Int {
    guard let x = node.input(0), let perGroup, perGroup > 0, let length = newLength(x, 1) else {
      return group
    }
    if case .conv = node.op, !Conv.cutsWholeGroups(group, inputsPerGroup: perGroup) { return group }
    return length / perGroup
  }

  private mutating func rewriteSlice(_ op: Slice, _ index: Int) throws(CompressError) {
    let node = graph.nodes[index]
    guard let x = node.input(0), let dimensions = source[x].type?.dimensions,
      let context = try? source.context(of: node),
      let parts = (try? op.parts(context, dimensions: dimensions)) ?? nil,
      var starts = context.integers(1), var ends = context.integers(2), parts.count == starts.count
    else { throw unclear(node) }
    for (i, (axis, part)) in parts.enumerated() {
      guard let kept = kept[x, axis] else { continue }
      guard let part, part.step == 1 else { throw unclear(node) }
      starts[i] = kept.count { $0 < part.start }
      ends[i] = kept.count { $0 < part.start + part.count }
    }
    graph.nodes[index].inputs[1] = constant(starts, for: node)
    graph.nodes[index].inputs[2] = constant(ends, for: node)
    // The four lists of bounds have one element type.
    for i in 3...4 where node.input(i) != nil {
      guard let list = context.integers(i) else { throw unclear(node) }
      graph.nodes[index].inputs[i] = constant(list, for: node)
    }
  }

  private mutating func rewriteGather(_ op: Gather, _ index: Int) throws(CompressError) {
    let node = graph.nodes[index]
    guard let data = node.input(0), let indices = node.input(1),
      let rank = source[data].type?.dimensions?.count,
      let axis = try? ShapeRules.axis(op.axis, rank: rank)
    else { throw unclear(node) }
    guard let kept = kept[data, axis] else { return }
    guard let old = source[indices].constant?.integers, let length = oldLength(data, axis) else {
      throw unclear(node)
    }
    var places: [Int: Int] = [:]
    for (new, old) in kept.enumerated() { places[old] = new }
    graph.nodes[index].inputs[1] = constant(
      old.compactMap { places[$0 < 0 ? $0 + length : $0] }, for: node)
  }

  private mutating func rewriteReshape(_ index: Int) throws(CompressError) {
    let node = graph.nodes[index]
    guard let x = node.input(0), let output = node.outputs.first,
      let target = shapes.target(of: node, in: source)
    else { throw unclear(node) }
    var lengths: [Int] = []
    for (i, entry) in target.enumerated() {
      switch entry {
      case .copied: lengths.append(0)
      case .inferred: lengths.append(-1)
      case .length(let length): lengths.append(newLength(output, i) ?? length)
      }
    }
    graph.nodes[index].inputs = [x, constant(lengths, for: node)]
  }
}
