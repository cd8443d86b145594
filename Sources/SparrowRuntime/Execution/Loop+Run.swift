import SparrowCore

extension Loop {
  /// Runs the body round after round; see ``Loop`` for what it is given and makes.
  func run(
    _ operands: [Tensor?], _ node: Node, _ graph: Graph, body: BodySession
  ) throws(RuntimeError) -> [Tensor] {
    var limit = Int.max
    if let count = operands.first.flatMap({ $0 }) {
      limit = try count.single(node, "the trip count")
    }
    let always = Tensor([true], shape: conditionShape)
    var condition = operands.count > 1 ? operands[1] ?? always : always
    var carried = operands.dropFirst(2).prefix(carriedCount).compactMap { $0 }
    let captures = operands.dropFirst(2 + carriedCount).compactMap { $0 }
    var stacks = node.outputs.dropFirst(carriedCount).map { _ in TensorStack() }
    var round = 0
    while round < limit {
      guard try condition.single(node, "the condition") != 0 else { break }
      let made = try body.run(
        [Tensor([Int64(round)], shape: iterationShape), condition] + carried + captures)
      guard made.count == 1 + carriedCount + stacks.count else {
        throw .badValue(node: node.label, reason: "its body made \(made.count) outputs")
      }
      condition = made[0]
      carried = Array(made[1..<(1 + carriedCount)])
      for i in stacks.indices { try stacks[i].append(made[1 + carriedCount + i], node) }
      round += 1
    }
    for (i, id) in node.outputs.dropFirst(carriedCount).enumerated() {
      carried.append(try stacks[i].joined(axis: 0, isReversed: false, node, graph[id].type))
    }
    return carried
  }
}

extension Scan {
  /// Runs the body for each slice; see ``Scan`` for what it is given and makes.
  func run(
    _ operands: [Tensor?], _ node: Node, body: BodySession
  ) throws(RuntimeError) -> [Tensor] {
    let given = operands.compactMap { $0 }
    var states = Array(given.prefix(stateCount))
    let sequences = Array(given.dropFirst(stateCount).prefix(sequenceCount))
    let captures = given.dropFirst(stateCount + sequenceCount)
    var stacks = node.outputs.dropFirst(stateCount).map { _ in TensorStack() }
    var axes: [Int] = []
    for (i, sequence) in sequences.enumerated() {
      axes.append(try resolved(inputAxes?[i] ?? 0, sequence.rank, node))
    }
    let lengths = zip(sequences, axes).map { $0.shape[$1] }
    guard let length = lengths.first, lengths.allSatisfy({ $0 == length }) else {
      throw .badValue(node: node.label, reason: "its sequences have the lengths \(lengths)")
    }
    for round in 0..<length {
      var slices: [Tensor] = []
      for (i, sequence) in sequences.enumerated() {
        let isReversed = inputDirections?[i] == 1
        slices.append(sequence.slice(axis: axes[i], isReversed ? length - 1 - round : round))
      }
      let made = try body.run(states + slices + captures)
      guard made.count == stateCount + stacks.count else {
        throw .badValue(node: node.label, reason: "its body made \(made.count) outputs")
      }
      states = Array(made.prefix(stateCount))
      for i in stacks.indices { try stacks[i].append(made[stateCount + i], node) }
    }
    for (i, stack) in stacks.enumerated() {
      states.append(
        try stack.joined(
          axis: outputAxes?[i] ?? 0, isReversed: outputDirections?[i] == 1, node, nil))
    }
    return states
  }

  private func resolved(_ axis: Int, _ rank: Int, _ node: Node) throws(RuntimeError) -> Int {
    do throws(InferenceError) {
      return try ShapeRules.axis(axis, rank: rank)
    } catch {
      throw .badValue(node: node.label, reason: error.reason)
    }
  }
}

/// Tensors of one type that become one along a new axis.
private struct TensorStack {
  private var parts: [Tensor] = []
  private var byteCount = 0

  mutating func append(_ tensor: Tensor, _ node: Node) throws(RuntimeError) {
    if let first = parts.first {
      guard first.dtype == tensor.dtype, first.shape == tensor.shape else {
        throw .badValue(
          node: node.label,
          reason: "what it stacks was \(TensorType(first.dtype, shape: first.shape).text), then "
            + TensorType(tensor.dtype, shape: tensor.shape).text)
      }
    }
    byteCount += tensor.count * tensor.dtype.size
    guard byteCount <= Limits.valueBytes else {
      throw .badValue(node: node.label, reason: "what it stacks takes \(byteCount >> 20) MiB")
    }
    parts.append(tensor)
  }

  /// The parts along a new axis; `type` is the result's where there are no parts.
  func joined(
    axis: Int, isReversed: Bool, _ node: Node, _ type: TensorType?
  ) throws(RuntimeError) -> Tensor {
    guard let first = parts.first else {
      guard let type else {
        throw .badValue(node: node.label, reason: "it has nothing to stack: a sequence is empty")
      }
      let shape = [0] + (type.dimensions ?? []).dropFirst().map { $0.value ?? 0 }
      return Tensor(type.dtype, shape, words: [])
    }
    let rank = first.rank + 1
    let place = axis < 0 ? axis + rank : axis
    guard place >= 0, place < rank else {
      throw .badValue(node: node.label, reason: "axis \(axis) is outside a tensor of rank \(rank)")
    }
    var shape = first.shape
    shape.insert(parts.count, at: place)
    let inner = first.shape[place...].elementCount * first.dtype.size
    let outer = first.shape[..<place].elementCount
    let ordered = isReversed ? parts.reversed() : parts
    let bytes = Bytes(count: shape.elementCount * first.dtype.size) { target in
      guard let base = target.baseAddress else { return }
      for (i, part) in ordered.enumerated() {
        guard let source = part.dense().denseBytes else { continue }
        for row in 0..<outer {
          (base + (row * parts.count + i) * inner).copyMemory(
            from: source.pointer + row * inner, byteCount: inner)
        }
      }
    }
    return Tensor(dtype: first.dtype, shape: shape, bytes: bytes)
  }
}

extension Tensor {
  /// The part at `index` of an axis, without that axis.
  fileprivate func slice(axis: Int, _ index: Int) -> Tensor {
    let inner = shape[(axis + 1)...].elementCount * dtype.size
    let outer = shape[..<axis].elementCount
    let length = shape[axis]
    var part = shape
    part.remove(at: axis)
    guard let source = dense().denseBytes else { return self }
    let bytes = Bytes(count: outer * inner) { target in
      guard let base = target.baseAddress else { return }
      for row in 0..<outer {
        (base + row * inner).copyMemory(
          from: source.pointer + (row * length + index) * inner, byteCount: inner)
      }
    }
    return Tensor(dtype: dtype, shape: part, bytes: bytes)
  }

  /// The single integer of a tensor of one element.
  fileprivate func single(_ node: Node, _ what: String) throws(RuntimeError) -> Int {
    guard count == 1, let value = integers?.first else {
      throw .badValue(
        node: node.label,
        reason: "\(what) is \(TensorType(dtype, shape: shape).text), expected one integer or bool")
    }
    return value
  }
}

extension ArraySlice where Element == Int {
  fileprivate var elementCount: Int { reduce(1, *) }
}
