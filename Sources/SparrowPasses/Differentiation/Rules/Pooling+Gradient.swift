import SparrowCore

extension Pool {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let (x, g) = (try n.input(0), try n.output())
    switch kind {
    case .max:
      return [
        try b.add(.maxPoolGradient(MaxPoolGradient(window: window, ceilMode: ceilMode)), x, g)
      ]
    case .average: return [try averageGradient(x, g, &b)]
    }
  }

  /// Each output's share of its gradient goes to every element under its window: a transposed
  /// convolution with ones, channel by channel.
  private func averageGradient(
    _ x: ValueID, _ g: ValueID, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID {
    let (input, output) = (try b.spatialLengths(x), try b.spatialLengths(g))
    let channels = try b.length(x, axis: 1)
    let resolved = try b.resolved { () throws(InferenceError) in
      try window.resolved(kernel: nil, input: input.map { .known($0) })
    }
    let dtype = try b.type(x).dtype
    let shares = Self.shares(resolved, input, output, countsPadding: countsPadding)
    let scaled = try b.times(
      g, b.constant(Tensor(dtype, [1, 1] + output, doubles: shares)))
    let back = Window.transposed(resolved, from: output, to: input)
    var op = ConvTranspose(window: back.window, group: channels)
    op.outputPadding = back.padding
    let shape = [channels, 1] + resolved.kernel
    guard let count = shape.checkedElementCount, count <= 1 << 28 else {
      throw b.unsupported("its window is too large")
    }
    let ones = b.constant(Tensor(dtype, shape, doubles: [Double](repeating: 1, count: count)))
    return try b.add(.convTranspose(op), scaled, ones)
  }

  /// One over the number of elements that each window averages: the product of what its axes count,
  /// inside the plane or, where padding counts, inside the padded one.
  private static func shares(
    _ window: Window.Resolved, _ input: [Int], _ output: [Int], countsPadding: Bool
  ) -> [Double] {
    var counts: [Double] = [1]
    for i in input.indices {
      let low = countsPadding ? -window.padsBegin[i] : 0
      let high = countsPadding ? input[i] + max(0, window.padsEnd[i]) : input[i]
      let axis = (0..<output[i]).map { position in
        (0..<window.kernel[i]).reduce(0.0) { count, k in
          let at = position * window.strides[i] - window.padsBegin[i] + k * window.dilations[i]
          return count + (at >= low && at < high ? 1 : 0)
        }
      }
      counts = counts.flatMap { outer in axis.map { outer * $0 } }
    }
    return counts.map { $0 == 0 ? 0 : 1 / $0 }
  }
}

extension GlobalPool {
  /// The mean's gradient in equal shares; the maximum's to the largest elements, shared among equals.
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let (x, y, g) = (try n.input(0), n.node.outputs[0], try n.output())
    switch kind {
    case .average:
      return [try b.expand(try b.over(g, try b.ratio(x, y)), like: x)]
    case .max:
      let axes = Array(2..<max(2, try b.rank(x)))
      return [try b.share(g, among: x, equalTo: y, axes: axes)]
    }
  }
}

extension GradientBuilder {
  /// `g` to the elements of `x` that equal `extreme`, in equal shares; both have length 1 along `axes`.
  mutating func share(
    _ g: ValueID, among x: ValueID, equalTo extreme: ValueID, axes: [Int]
  ) throws(DifferentiationError) -> ValueID {
    let isLargest = try binary(.equal, x, extreme)
    let ones = try select(isLargest, try scalar(1, like: x), nil)
    return try times(ones, try over(g, try sum(ones, axes: axes)))
  }
}
