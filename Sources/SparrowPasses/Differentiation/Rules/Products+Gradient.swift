import SparrowCore

extension Gemm {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let (x, y, g) = (try n.input(0), try n.input(1), try n.output())
    func product(_ transposesA: Bool, _ transposesB: Bool) -> Op {
      .gemm(Gemm(alpha: alpha, transposesA: transposesA, transposesB: transposesB))
    }
    var gradients: [ValueID?] = [nil, nil, nil]
    if n.wants(0) {
      // G B'^T, or its transpose.
      gradients[0] =
        transposesA
        ? try b.add(product(transposesB, true), y, g)
        : try b.add(product(false, !transposesB), g, y)
    }
    if n.wants(1) {
      // A'^T G, or its transpose.
      gradients[1] =
        transposesB
        ? try b.add(product(true, transposesA), g, x)
        : try b.add(product(!transposesA, false), x, g)
    }
    if n.wants(2) {
      gradients[2] = try b.times(try b.sum(g, like: try n.input(2)), Double(beta))
    }
    return gradients
  }
}

extension MatMul {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let (x, y, g) = (try n.input(0), try n.input(1), try n.output())
    let (xRank, yRank) = (try b.rank(x), try b.rank(y))
    // Vectors as the matrices that MatMul takes them for, with the axis that it drops from the result.
    let left = xRank == 1 ? try b.unsqueeze(x, axes: [0]) : x
    let right = yRank == 1 ? try b.unsqueeze(y, axes: [1]) : y
    var full = g
    if xRank == 1, yRank == 1 {
      full = try b.reshape(g, to: [1, 1])
    } else if xRank == 1 {
      full = try b.unsqueeze(g, axes: [yRank - 2])
    } else if yRank == 1 {
      full = try b.unsqueeze(g, axes: [xRank - 1])
    }
    var gradients: [ValueID?] = [nil, nil, nil]
    if n.wants(0) {
      let made = try b.add(.matMul(MatMul()), full, try transposed(right, &b))
      gradients[0] = try b.reshape(try b.sum(made, like: left), like: x)
    }
    if n.wants(1) {
      gradients[1] = try b.reshape(try rightGradient(left, right, full, &b), like: y)
    }
    if n.wants(2) { gradients[2] = try b.sum(g, like: try n.input(2)) }
    return gradients
  }

  /// A^T G, where one B serves a stack of As as one tall product.
  private func rightGradient(
    _ left: ValueID, _ right: ValueID, _ g: ValueID, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID {
    if try b.rank(right) == 2 {
      let k = try b.length(right, axis: 0)
      let columns = try b.length(right, axis: 1)
      let isMatrix = try b.rank(left) == 2
      let tall = isMatrix ? left : try b.reshape(left, to: [-1, k])
      let rows = isMatrix ? g : try b.reshape(g, to: [-1, columns])
      return try b.add(.gemm(Gemm(transposesA: true)), tall, rows)
    }
    let made = try b.add(.matMul(MatMul()), try transposed(left, &b), g)
    return try b.sum(made, like: right)
  }

  private func transposed(
    _ x: ValueID, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID {
    var order = Array(0..<(try b.rank(x)))
    order.swapAt(order.count - 2, order.count - 1)
    return try b.add(.transpose(Transpose(order)), x)
  }
}
