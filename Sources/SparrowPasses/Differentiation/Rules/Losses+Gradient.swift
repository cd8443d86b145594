import SparrowCore

extension SoftmaxCrossEntropyLoss {
  /// Of each position's loss: (probabilities - the target's one) times the target's weight.
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let scores = try n.input(0)
    let probabilities = try b.add(.softmax(Softmax(axis: 1)), scores)
    var total: ValueID?
    if n.outputs[0] != nil {
      let loss = ClassLossGradient(reduction: reduction, ignoredClass: ignoredClass)
      let (chosen, factor) = try loss.terms(n, &b)
      total = try b.times(try b.minus(probabilities, chosen), factor)
    }
    if n.outputs.count > 1, let g = n.outputs[1] {
      let share = try b.times(probabilities, try b.sum(g, axes: [1]))
      let second = try b.minus(g, share)
      total = if let first = total { try b.plus(first, second) } else { second }
    }
    return [total]
  }
}

extension NegativeLogLikelihoodLoss {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let loss = ClassLossGradient(reduction: reduction, ignoredClass: ignoredClass)
    let (chosen, factor) = try loss.terms(n, &b)
    return [try b.negative(try b.times(chosen, factor))]
  }
}

/// What the gradients of the losses of class probabilities have in common.
private struct ClassLossGradient {
  let reduction: LossReduction
  let ignoredClass: Int?

  /// Ones at the target classes, of the scores' shape; and what each position counts, with length 1
  /// along the classes: its target's weight, 0 for ignored ones, times the loss's own gradient.
  func terms(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> (chosen: ValueID, factor: ValueID) {
    guard !n.wants(2) else { throw b.unsupported("the gradient of its class weights is asked for") }
    let (scores, labels, g) = (try n.input(0), try n.input(1), try n.output())
    let dtype = try b.type(scores).dtype
    var (targets, factor): (ValueID, ValueID?) = (labels, nil)
    if let ignoredClass {
      let ignored = try b.binary(.equal, labels, try b.scalar(Double(ignoredClass), like: labels))
      targets = try b.select(ignored, nil, labels)
      factor = try b.select(ignored, nil, try b.scalar(1, like: scores))
    }
    if let weights = n.node.input(2) {
      let own = try b.add(.gather(Gather()), weights, targets)
      factor = if let counted = factor { try b.times(own, counted) } else { own }
    }
    var op = OneHot()
    op.axis = 1
    let values = b.constant(Tensor(dtype, [2], doubles: [0, 1]))
    let chosen = try b.add(.oneHot(op), targets, try classes(scores, &b), values)
    let each: ValueID
    switch reduction {
    case .none: each = if let factor { try b.times(g, factor) } else { g }
    case .sum: each = if let factor { try b.times(factor, g) } else { g }
    case .mean:
      if let factor {
        let total = try b.sum(factor, axes: nil, keepsDimensions: false)
        each = try b.times(factor, try b.over(g, total))
      } else {
        each = try b.over(g, try positions(labels, scores, &b))
      }
    }
    let isScalar = try b.rank(each) == 0
    return (chosen, isScalar ? each : try b.unsqueeze(each, axes: [1]))
  }

  private func classes(
    _ scores: ValueID, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID {
    if let known = try b.dimensions(scores)[1].value {
      return b.constant(Tensor(scalar: Int64(known)))
    }
    var op = ShapeOf()
    (op.start, op.end) = (1, 2)
    return try b.add(.shapeOf(op), scores)
  }

  /// The number of positions, as a number of the scores' type.
  private func positions(
    _ labels: ValueID, _ scores: ValueID, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID {
    if let count = try b.type(labels).shape?.checkedElementCount {
      return try b.scalar(Double(count), like: scores)
    }
    let size = try b.add(.sizeOf(SizeOf()), labels)
    return try b.add(.cast(Cast(to: try b.type(scores).dtype)), size)
  }
}
