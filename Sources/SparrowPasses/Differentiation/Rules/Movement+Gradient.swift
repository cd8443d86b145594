import SparrowCore

extension Transpose {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let rank = try b.rank(try n.input(0))
    let order = try b.resolved { () throws(InferenceError) in try self.resolved(rank: rank) }
    var inverse = order
    for (i, axis) in order.enumerated() { inverse[axis] = i }
    return [try b.add(.transpose(Transpose(inverse)), try n.output())]
  }
}

extension Expand {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    [try b.sum(try n.output(), like: try n.input(0))]
  }
}

extension Concat {
  /// Each input's part of the gradient.
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let g = try n.output()
    let axis = try b.axis(self.axis, of: g)
    let ids = n.node.inputs.compactMap { $0 }
    var known: [Int] = []
    for id in ids {
      if let length = try b.dimensions(id)[axis].value { known.append(length) }
    }
    guard known.count == ids.count else {
      // Some length is open: all are read when the graph runs.
      var op = ShapeOf()
      (op.start, op.end) = (axis, axis + 1)
      var lengths: [ValueID] = []
      for id in ids { lengths.append(try b.add(.shapeOf(op), id)) }
      let all = try b.add(.concat(Concat()), lengths, outputs: 1)[0]
      return try b.add(.split(Split(axis: axis)), [g, all], outputs: ids.count)
    }
    return try b.add(.split(Split(axis: axis)), [g, b.integers(known)], outputs: known.count)
  }
}

extension Split {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    var parts: [ValueID?] = []
    for (id, gradient) in zip(n.node.outputs, n.outputs) {
      let part = if let gradient { gradient } else { try b.zeros(id) }
      parts.append(part)
    }
    let axis = try b.axis(self.axis, of: try n.input(0))
    return try b.add(.concat(Concat(axis: axis)), parts, outputs: 1)
  }
}

extension Pad {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    guard mode == .constant else { throw b.unsupported("its mode is \(mode.name)") }
    guard let pads = n.node.input(1), let values = b.constant(pads)?.integers else {
      throw b.unsupported("its pads are computed")
    }
    let g = try n.output()
    // Negative pads cut off what padding had added, and the other way round.
    let undone = try b.add(
      .pad(Pad()), g, b.integers(values.map { 0 &- $0 }), nil, n.node.input(3))
    var gradients: [ValueID?] = [undone, nil, nil]
    if n.wants(2) {
      let all = try b.sum(g, axes: nil, keepsDimensions: false)
      let inner = try b.sum(undone, axes: nil, keepsDimensions: false)
      gradients[2] = try b.reshape(try b.minus(all, inner), like: try n.input(2))
    }
    return gradients
  }
}

extension Slice {
  /// Zeros around the gradient; where steps skip elements, the gradient is scattered axis by axis.
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let x = try n.input(0)
    let context = try b.context(n.node)
    let dimensions = try b.dimensions(x)
    let parts = try b.resolved { () throws(InferenceError) in
      try self.parts(context, dimensions: dimensions)
    }
    guard let parts else { throw b.unsupported("its starts, ends, axes or steps are computed") }
    var g = try n.output()
    let rank = dimensions.count
    var (begin, end) = ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
    for (axis, part) in parts {
      guard let part, let length = dimensions[axis].value else { throw b.openShape(x) }
      if part.step == 1 {
        (begin[axis], end[axis]) = (part.start, length - part.start - part.count)
      } else {
        g = try scattered(g, part, length: length, &b)
      }
    }
    if begin.allSatisfy({ $0 == 0 }), end.allSatisfy({ $0 == 0 }) { return [g] }
    return [try b.add(.pad(Pad()), g, b.integers(begin + end))]
  }

  private func scattered(
    _ g: ValueID, _ part: Part, length: Int, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID {
    var shape = try b.shape(g)
    let rank = shape.count
    let places = b.integers((0..<part.count).map { part.start + $0 * part.step })
    let others = (0..<rank).filter { $0 != part.axis }
    let indices = try b.expand(try b.unsqueeze(places, axes: others), like: g)
    shape[part.axis] = length
    var zeros = ConstantOfShape()
    zeros.value = Scalar(dtype: try b.type(g).dtype, bits: 0)
    let target = try b.add(.constantOfShape(zeros), b.integers(shape))
    var op = ScatterElements()
    op.axis = part.axis
    return try b.add(.scatterElements(op), target, indices, g)
  }
}

extension Gather {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let (data, indices, g) = (try n.input(0), try n.input(1), try n.output())
    let axis = try b.axis(self.axis, of: data)
    let rank = try b.rank(data)
    if let one = b.constant(indices), one.count == 1, let index = one.integers?.first,
      let length = try b.dimensions(data)[axis].value, index >= -length, index < length
    {
      // One row: zeros before and after it.
      let row = try singleRow(g, axis, drops: one.rank, &b)
      var pads = [Int](repeating: 0, count: 2 * rank)
      (pads[axis], pads[rank + axis]) = (
        index < 0 ? index + length : index, index < 0 ? -index - 1 : length - index - 1
      )
      return [try b.add(.pad(Pad()), row, b.integers(pads))]
    }
    // The axis first, in data and gradient alike; rows that are gathered twice add up.
    let depth = try b.rank(indices)
    let front = [axis] + (0..<rank).filter { $0 != axis }
    let moved = Array(axis..<axis + depth)
    let order = moved + (0..<rank - 1 + depth).filter { !moved.contains($0) }
    let isFirst = axis == 0
    let updates = isFirst ? g : try b.add(.transpose(Transpose(order)), g)
    let zeros = try b.zeros(data)
    let target = isFirst ? zeros : try b.add(.transpose(Transpose(front)), zeros)
    var op = ScatterND()
    op.reduction = .add
    let rows = try b.add(
      .scatterND(op), target, try b.unsqueeze(indices, axes: [depth]), updates)
    guard !isFirst else { return [rows] }
    var back = front
    for (i, from) in front.enumerated() { back[from] = i }
    return [try b.add(.transpose(Transpose(back)), rows)]
  }

  /// The gradient of one gathered row, with length 1 along the axis.
  private func singleRow(
    _ g: ValueID, _ axis: Int, drops rank: Int, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID {
    if rank == 1 { return g }
    if rank == 0 { return try b.unsqueeze(g, axes: [axis]) }
    return try b.add(
      .squeeze(Squeeze()), g, b.integers(Array(axis + 1..<axis + rank)))
  }
}

extension GatherElements {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    var op = ScatterElements()
    (op.axis, op.reduction) = (axis, .add)
    let zeros = try b.zeros(try n.input(0))
    return [try b.add(.scatterElements(op), zeros, try n.input(1), try n.output())]
  }
}
