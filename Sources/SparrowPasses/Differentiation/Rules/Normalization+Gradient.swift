import SparrowCore

extension BatchNormalization {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    try n.requireFirstOutputOnly()
    let (x, g) = (try n.input(0), try n.output())
    if isTraining {
      let made = try b.add(
        .batchNormalizationGradient(BatchNormalizationGradient(epsilon: epsilon)),
        [x, try n.input(1), g], outputs: 3)
      return made + [nil, nil]
    }
    let rank = try b.rank(x)
    let scale = try b.alongChannels(try n.input(1), rank: rank)
    let centred = try b.minus(x, try b.alongChannels(try n.input(3), rank: rank))
    let variance = try b.alongChannels(try n.input(4), rank: rank)
    let deviation = try b.unary(.sqrt, try b.plus(variance, Double(epsilon)))
    let inverse = try b.unary(.reciprocal, deviation)
    let factor = try b.times(scale, inverse)
    var gradients: [ValueID?] = [nil, nil, nil, nil, nil]
    // Of the scale: the sum of g times the normalised x.
    let normal = try b.times(centred, inverse)
    if n.wants(1) { gradients[1] = try b.sumOverPlanes(try b.times(g, normal)) }
    if n.wants(2) { gradients[2] = try b.sumOverPlanes(g) }
    if n.wants(0) { gradients[0] = try b.times(g, factor) }
    if n.wants(3) { gradients[3] = try b.sumOverPlanes(try b.negative(try b.times(g, factor))) }
    if n.wants(4) {
      let slope = try b.times(try b.times(factor, try b.times(inverse, inverse)), -0.5)
      gradients[4] = try b.sumOverPlanes(try b.times(try b.times(g, centred), slope))
    }
    return gradients
  }
}

extension LayerNormalization {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    try n.requireFirstOutputOnly()
    let (x, scale, g) = (try n.input(0), try n.input(1), try n.output())
    let axes = Array(try b.axis(axis, of: x)..<(try b.rank(x)))
    let centred = try b.minus(x, try b.mean(x, axes: axes))
    let variance = try b.mean(try b.times(centred, centred), axes: axes)
    let inverse = try b.unary(
      .reciprocal, try b.unary(.sqrt, try b.plus(variance, Double(epsilon))))
    let normal = try b.times(centred, inverse)
    var gradients: [ValueID?] = [nil, nil, nil]
    if n.wants(0) {
      let scaled = try b.times(g, scale)
      let shift = try b.mean(scaled, axes: axes)
      let stretch = try b.times(normal, try b.mean(try b.times(scaled, normal), axes: axes))
      gradients[0] = try b.times(inverse, try b.minus(try b.minus(scaled, shift), stretch))
    }
    if n.wants(1) { gradients[1] = try b.sum(try b.times(g, normal), like: scale) }
    if n.wants(2) { gradients[2] = try b.sum(g, like: try n.input(2)) }
    return gradients
  }
}

extension RMSNormalization {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let (x, scale, g) = (try n.input(0), try n.input(1), try n.output())
    let axes = Array(try b.axis(axis, of: x)..<(try b.rank(x)))
    let square = try b.mean(try b.times(x, x), axes: axes)
    let inverse = try b.unary(.reciprocal, try b.unary(.sqrt, try b.plus(square, Double(epsilon))))
    let normal = try b.times(x, inverse)
    var gradients: [ValueID?] = [nil, nil]
    if n.wants(0) {
      let scaled = try b.times(g, scale)
      let stretch = try b.times(normal, try b.mean(try b.times(scaled, normal), axes: axes))
      gradients[0] = try b.times(inverse, try b.minus(scaled, stretch))
    }
    if n.wants(1) { gradients[1] = try b.sum(try b.times(g, normal), like: scale) }
    return gradients
  }
}

extension Softmax {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let (x, y, g) = (try n.input(0), n.node.outputs[0], try n.output())
    guard try b.rank(x) > 0 else { return [nil] }
    let axes = [try b.axis(axis, of: x)]
    if isLog {
      let share = try b.times(try b.unary(.exp, y), try b.sum(g, axes: axes))
      return [try b.minus(g, share)]
    }
    let mean = try b.sum(try b.times(g, y), axes: axes)
    return [try b.times(y, try b.minus(g, mean))]
  }
}
