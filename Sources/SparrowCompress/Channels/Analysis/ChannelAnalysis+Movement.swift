import SparrowCore

extension ChannelAnalysis {
  mutating func visit(_ op: Concat, _ node: Node) {
    let inputs = node.inputs.compactMap { $0 }
    guard let output = node.outputs.first, let rank = rank(output),
      let axis = resolved(op.axis, of: output), inputs.allSatisfy({ self.rank($0) == rank })
    else { return freeze(node) }
    for id in inputs { bindOthers(id, output, except: axis) }
    bindPieces(inputs.map { ValueAxis($0, axis) }, of: ValueAxis(output, axis))
  }

  mutating func visit(_ op: Split, _ node: Node) {
    guard let x = node.input(0), let rank = rank(x), let axis = resolved(op.axis, of: x),
      node.outputs.allSatisfy({ self.rank($0) == rank }),
      node.input(1).map({ isConstant($0) }) ?? true
    else { return freeze(node) }
    for id in node.outputs { bindOthers(x, id, except: axis) }
    bindPieces(node.outputs.map { ValueAxis($0, axis) }, of: ValueAxis(x, axis))
  }

  private mutating func bindOthers(_ a: ValueID, _ b: ValueID, except axis: Int) {
    for other in 0..<(rank(a) ?? 0) where other != axis {
      atoms.bind(ValueAxis(a, other), ValueAxis(b, other))
    }
  }

  /// Axes that stand one after the other on a longer one.
  private mutating func bindPieces(_ pieces: [ValueAxis], of whole: ValueAxis) {
    let known = pieces.compactMap { atoms[$0] }
    guard let all = atoms[whole], known.count == pieces.count,
      known.reduce(0, { $0 + $1.count }) == all.count
    else { return ([whole] + pieces).forEach { atoms.freeze($0) } }
    var next = all.lowerBound
    for piece in known {
      for atom in piece {
        atoms.unite(atom, next)
        next += 1
      }
    }
  }

  /// Slices with known bounds and step 1 keep the indices between them.
  mutating func visit(_ op: Slice, _ node: Node) {
    guard let x = node.input(0), let output = node.outputs.first, let input = dimensions(x),
      rank(output) == input.count, let context = try? graph.context(of: node),
      let parts = (try? op.parts(context, dimensions: input)) ?? nil
    else { return freeze(node) }
    let sliced = parts.map { $0.axis }
    for axis in input.indices where !sliced.contains(axis) {
      atoms.bind(ValueAxis(x, axis), ValueAxis(output, axis))
    }
    for (axis, part) in parts {
      let (from, to) = (ValueAxis(x, axis), ValueAxis(output, axis))
      guard let part, part.step == 1, let source = atoms[from], let target = atoms[to],
        target.count == part.count, part.start + part.count <= source.count
      else {
        atoms.freeze(from)
        atoms.freeze(to)
        continue
      }
      for i in 0..<part.count {
        atoms.unite(source.lowerBound + part.start + i, target.lowerBound + i)
      }
    }
  }

  /// Constant indices pick along an axis; indices that are data (embeddings) may pick any of it.
  mutating func visit(_ op: Gather, _ node: Node, _ index: Int) {
    guard let data = node.input(0), let indices = node.input(1), let output = node.outputs.first,
      let rank = rank(data), let axis = resolved(op.axis, of: data),
      let picked = dimensions(indices), self.rank(output) == rank - 1 + picked.count
    else { return freeze(node) }
    for other in 0..<rank where other != axis {
      let place = other < axis ? other : other - 1 + picked.count
      atoms.bind(ValueAxis(data, other), ValueAxis(output, place))
      if isConstant(data) { makers.append(WeightAxis(node: index, place: ValueAxis(data, other))) }
    }
    let source = ValueAxis(data, axis)
    if picked.count == 1, let places = graph[indices].constant?.integers,
      bindPicked(places, from: source, to: ValueAxis(output, axis))
    {
      return
    }
    atoms.freeze(source)
    for i in picked.indices { atoms.bind(ValueAxis(indices, i), ValueAxis(output, axis + i)) }
  }

  private mutating func bindPicked(
    _ places: [Int], from: ValueAxis, to: ValueAxis
  ) -> Bool {
    guard let source = atoms[from], let target = atoms[to], target.count == places.count else {
      return false
    }
    let resolved = places.map { $0 < 0 ? $0 + source.count : $0 }
    guard resolved.allSatisfy({ $0 >= 0 && $0 < source.count }) else { return false }
    for (i, place) in resolved.enumerated() {
      atoms.unite(source.lowerBound + place, target.lowerBound + i)
    }
    return true
  }

  mutating func visit(_ op: Transpose, _ node: Node) {
    guard let x = node.input(0), let output = node.outputs.first, let rank = rank(x),
      self.rank(output) == rank, let permutation = try? op.resolved(rank: rank)
    else { return freeze(node) }
    for (to, from) in permutation.enumerated() {
      atoms.bind(ValueAxis(x, from), ValueAxis(output, to))
    }
  }

  /// Expansion to known lengths repeats axes of length 1 and leaves alone those it names 1.
  mutating func visitExpand(_ node: Node) {
    guard let x = node.input(0), let output = node.outputs.first, let own = dimensions(x),
      let lengths = node.input(1).flatMap({ graph[$0].constant?.integers }),
      let rank = rank(output), own.count <= rank, lengths.count <= rank
    else { return freeze(node) }
    let named = [Int](repeating: 1, count: rank - lengths.count) + lengths
    for axis in 0..<rank {
      let place = ValueAxis(output, axis)
      let source = axis - (rank - own.count)
      if source >= 0, named[axis] == 1 {
        atoms.bind(ValueAxis(x, source), place)
      } else {
        if source >= 0 { atoms.freeze(ValueAxis(x, source)) }
        atoms.freeze(place)
      }
    }
  }

  /// A length that the graph computes with must stay.
  mutating func visit(_ op: ShapeOf, _ node: Node) {
    guard let x = node.input(0), let rank = rank(x) else { return freeze(node) }
    for axis in shapes.axesRead(of: node, rank: rank) { atoms.freeze(ValueAxis(x, axis)) }
    for id in node.outputs { freeze(id) }
  }
}
