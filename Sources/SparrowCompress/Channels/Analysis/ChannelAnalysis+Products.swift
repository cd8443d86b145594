import SparrowCore

extension Conv {
  /// Whether the channels of a group go all together: where there are more groups than inputs in
  /// each, as in depthwise convolutions. Else every group loses the same inputs, and the same
  /// outputs.
  static func cutsWholeGroups(_ group: Int, inputsPerGroup: Int) -> Bool {
    group > 1 && inputsPerGroup <= group
  }
}

extension ChannelAnalysis {
  /// Convolution: weights `[outputs, inputs / group, ...]`.
  mutating func visit(_ op: Conv, _ node: Node, _ index: Int) {
    guard let x = node.input(0), let weight = node.input(1), let output = node.outputs.first,
      op.group > 0, let rank = rank(x), rank >= 3, rank == self.rank(weight),
      rank == self.rank(output)
    else { return freeze(node) }
    let (made, read) = (ValueAxis(weight, 0), ValueAxis(weight, 1))
    let (channels, results) = (ValueAxis(x, 1), ValueAxis(output, 1))
    atoms.bind(ValueAxis(x, 0), ValueAxis(output, 0))
    for axis in 2..<rank {
      for id in [x, weight, output] { atoms.freeze(ValueAxis(id, axis)) }
    }
    atoms.bind(made, results)
    if let bias = node.input(2) { atoms.bind(ValueAxis(bias, 0), results) }
    if let addend = node.input(3) { bindBroadcast(addend, to: output) }
    guard isConstant(weight) else { return freezeContraction(channels, read) }
    makers.append(WeightAxis(node: index, place: made))
    guard op.group > 1 else {
      atoms.bind(channels, read)
      readers.append(WeightAxis(node: index, place: read))
      return
    }
    bindGroups(op.group, channels: channels, results: results, read: read, index)
  }

  /// The channels of a grouped convolution.
  private mutating func bindGroups(
    _ group: Int, channels: ValueAxis, results: ValueAxis, read: ValueAxis, _ index: Int
  ) {
    guard let inputs = atoms[channels], let outputs = atoms[results], let perGroup = atoms[read],
      perGroup.count * group == inputs.count, outputs.count % group == 0, !outputs.isEmpty
    else { return [channels, results, read].forEach { atoms.freeze($0) } }
    let size = outputs.count / group
    if Conv.cutsWholeGroups(group, inputsPerGroup: perGroup.count) {
      atoms.freeze(read)
      for g in 0..<group {
        let first = inputs.lowerBound + g * perGroup.count
        for i in 0..<perGroup.count { atoms.unite(first, first + i) }
        for i in 0..<size { atoms.unite(first, outputs.lowerBound + g * size + i) }
      }
    } else {
      for (i, atom) in inputs.enumerated() {
        atoms.unite(atom, perGroup.lowerBound + i % perGroup.count)
      }
      for (i, atom) in outputs.enumerated() { atoms.unite(atom, outputs.lowerBound + i % size) }
      readers.append(WeightAxis(node: index, place: read))
    }
  }

  /// Transposed convolution: weights `[inputs, outputs / group, ...]`. Its groups go as a whole.
  mutating func visit(_ op: ConvTranspose, _ node: Node, _ index: Int) {
    guard let x = node.input(0), let weight = node.input(1), let output = node.outputs.first,
      op.group > 0, let rank = rank(x), rank >= 3, rank == self.rank(weight),
      rank == self.rank(output), isConstant(weight)
    else { return freeze(node) }
    let (channels, results) = (ValueAxis(x, 1), ValueAxis(output, 1))
    atoms.bind(ValueAxis(x, 0), ValueAxis(output, 0))
    for axis in 2..<rank {
      for id in [x, weight, output] { atoms.freeze(ValueAxis(id, axis)) }
    }
    let (first, second) = (ValueAxis(weight, 0), ValueAxis(weight, 1))
    atoms.bind(channels, first)
    if let bias = node.input(2) { atoms.bind(ValueAxis(bias, 0), results) }
    guard op.group > 1 else {
      atoms.bind(second, results)
      makers.append(WeightAxis(node: index, place: second))
      readers.append(WeightAxis(node: index, place: first))
      return
    }
    atoms.freeze(second)
    makers.append(WeightAxis(node: index, place: first))
    guard let inputs = atoms[channels], let outputs = atoms[results],
      inputs.count % op.group == 0, outputs.count % op.group == 0
    else { return [channels, results].forEach { atoms.freeze($0) } }
    for (i, atom) in inputs.enumerated() {
      let group = i / (inputs.count / op.group)
      atoms.unite(atom, inputs.lowerBound + group * (inputs.count / op.group))
    }
    for (i, atom) in outputs.enumerated() {
      let group = i / (outputs.count / op.group)
      atoms.unite(atom, inputs.lowerBound + group * (inputs.count / op.group))
    }
  }

  mutating func visit(_ op: Gemm, _ node: Node, _ index: Int) {
    guard let a = node.input(0), let b = node.input(1), let output = node.outputs.first,
      rank(a) == 2, rank(b) == 2, rank(output) == 2
    else { return freeze(node) }
    let (row, left) = op.transposesA ? (1, 0) : (0, 1)
    let (column, right) = op.transposesB ? (0, 1) : (1, 0)
    bindProduct(
      index, rows: ValueAxis(a, row), left: ValueAxis(a, left), right: ValueAxis(b, right),
      columns: ValueAxis(b, column), output: output, rank: 2)
    if let addend = node.input(2) { bindBroadcast(addend, to: output) }
  }

  /// Matrix products; of two activations (attention) the batch axes bind and the inner ones freeze.
  mutating func visitMatMul(_ node: Node, _ index: Int) {
    guard let a = node.input(0), let b = node.input(1), let output = node.outputs.first,
      let m = rank(a), let n = rank(b), m >= 2, n >= 2, let rank = rank(output),
      rank == max(m, n)
    else { return freeze(node) }
    bindBroadcast(a, to: output, skipping: 2)
    bindBroadcast(b, to: output, skipping: 2)
    bindProduct(
      index, rows: ValueAxis(a, m - 2), left: ValueAxis(a, m - 1), right: ValueAxis(b, n - 2),
      columns: ValueAxis(b, n - 1), output: output, rank: rank)
    if let bias = node.input(2) { bindBroadcast(bias, to: output) }
    if !isConstant(a), !isConstant(b), rank > 2 {
      headAxes += (0..<rank - 2).map { ValueAxis(output, $0) }
    }
  }

  /// `output = left x right`, of which one may be a weight.
  private mutating func bindProduct(
    _ index: Int, rows: ValueAxis, left: ValueAxis, right: ValueAxis, columns: ValueAxis,
    output: ValueID, rank: Int
  ) {
    atoms.bind(rows, ValueAxis(output, rank - 2))
    atoms.bind(columns, ValueAxis(output, rank - 1))
    switch (isConstant(left.value), isConstant(right.value)) {
    case (false, true):
      atoms.bind(left, right)
      readers.append(WeightAxis(node: index, place: right))
      makers.append(WeightAxis(node: index, place: columns))
    case (true, false):
      atoms.bind(left, right)
      readers.append(WeightAxis(node: index, place: left))
      makers.append(WeightAxis(node: index, place: rows))
    case (false, false), (true, true): freezeContraction(left, right)
    }
  }

  /// Sums over products of computed values: nothing can be zeroed in their place.
  private mutating func freezeContraction(_ a: ValueAxis, _ b: ValueAxis) {
    atoms.freeze(a)
    atoms.freeze(b)
  }
}
