import SparrowCore

extension ChannelAnalysis {
  /// Operators that broadcast their inputs and work element by element.
  mutating func visitElementwise(_ node: Node) {
    for output in node.outputs {
      for case let id? in node.inputs { bindBroadcast(id, to: output) }
    }
  }

  /// Batch normalisation and its four parameters.
  mutating func visit(_ op: BatchNormalization, _ node: Node) {
    guard !op.isTraining, let x = node.input(0), let output = node.outputs.first,
      let rank = rank(x), rank >= 2
    else { return freeze(node) }
    bind(x, output)
    for i in 1..<max(1, node.inputs.count) {
      if let id = node.input(i) { atoms.bind(ValueAxis(id, 0), ValueAxis(output, 1)) }
    }
    for id in node.outputs.dropFirst() { freeze(id) }
  }

  /// Instance normalisation works channel by channel; groups of channels are normalised together.
  mutating func visit(_ op: GroupNormalization, _ node: Node) {
    guard op.groups == nil, let x = node.input(0), let output = node.outputs.first,
      let rank = rank(x), rank >= 2
    else { return freeze(node) }
    bind(x, output, freezing: Array(2..<rank))
    for i in 1..<max(1, node.inputs.count) {
      if let id = node.input(i) { atoms.bind(ValueAxis(id, 0), ValueAxis(output, 1)) }
    }
  }

  /// Layer normalisation: the axes from `axis` on are normalised together.
  mutating func visitNormalization(_ node: Node, from axis: Int) {
    guard let x = node.input(0), let output = node.outputs.first, let rank = rank(x),
      let first = resolved(axis, of: x)
    else { return freeze(node) }
    bind(x, output, freezing: Array(first..<rank))
    for case let id? in node.inputs.dropFirst() { freeze(id) }
    for id in node.outputs.dropFirst() { freeze(id) }
  }

  /// Softmax and its kin: the indices along one axis depend on each other.
  mutating func visitRuns(_ node: Node, along axis: Int) {
    guard let x = node.input(0), let output = node.outputs.first,
      let axis = resolved(axis, of: x)
    else { return freeze(node) }
    bind(x, output, freezing: [axis])
  }

  /// Reduction: reduced axes freeze, the others bind.
  mutating func visit(_ op: Reduce, _ node: Node) {
    guard let x = node.input(0), let output = node.outputs.first, let rank = rank(x),
      let axes = reducedAxes(op, node, rank: rank)
    else { return freeze(node) }
    var next = 0
    for axis in 0..<rank {
      if axes.contains(axis) {
        atoms.freeze(ValueAxis(x, axis))
        if op.keepsDimensions { next += 1 }
      } else {
        atoms.bind(ValueAxis(x, axis), ValueAxis(output, next))
        next += 1
      }
    }
    if let outputRank = self.rank(output), outputRank != next { freeze(node) }
  }

  private func reducedAxes(_ op: Reduce, _ node: Node, rank: Int) -> [Int]? {
    guard let id = node.input(1) else {
      return op.noopWithEmptyAxes ? [] : Array(0..<rank)
    }
    guard let given = graph[id].constant?.integers else { return nil }
    if given.isEmpty { return op.noopWithEmptyAxes ? [] : Array(0..<rank) }
    return try? ShapeRules.axes(given, rank: rank)
  }

  /// Pooling works channel by channel.
  mutating func visitPool(_ node: Node) {
    guard let x = node.input(0), let output = node.outputs.first, let rank = rank(x), rank >= 2
    else { return freeze(node) }
    bind(x, output, freezing: Array(2..<rank))
    // A maximum's second output tells places as indices into the whole tensor.
    if node.outputs.count > 1 { freeze(node) }
  }

  /// Resizing leaves alone the axes that keep their length.
  mutating func visit(_ op: Resize, _ node: Node) {
    guard let x = node.input(0), let output = node.outputs.first, let input = dimensions(x),
      let result = dimensions(output), input.count == result.count
    else { return freeze(node) }
    let axes = (try? ShapeRules.axes(op.axes ?? Array(input.indices), rank: input.count)) ?? []
    // Sizes name the channels' number too, where they name every axis.
    let sizes = node.input(3).map { graph[$0].constant?.integers ?? [] }
    bind(
      x, output,
      freezing: input.indices.filter { axis in
        guard axes.contains(axis) else { return false }
        return sizes != nil || input[axis].value == nil || input[axis] != result[axis] || axis > 1
      })
    for case let id? in node.inputs.dropFirst() { freeze(id) }
  }

  /// Padding leaves alone the axes it adds nothing to.
  mutating func visitPad(_ node: Node) {
    guard let x = node.input(0), let output = node.outputs.first, let rank = rank(x),
      let amounts = node.input(1).flatMap({ graph[$0].constant?.integers })
    else { return freeze(node) }
    var axes = Array(0..<rank)
    if let id = node.input(3) {
      guard let given = graph[id].constant?.integers,
        let known = try? ShapeRules.axes(given, rank: rank)
      else { return freeze(node) }
      axes = known
    }
    guard amounts.count == 2 * axes.count else { return freeze(node) }
    let padded = axes.indices.filter { amounts[$0] != 0 || amounts[$0 + axes.count] != 0 }
    bind(x, output, freezing: padded.map { axes[$0] })
  }
}
