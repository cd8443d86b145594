import SparrowCore

extension Window {
  /// The window of the transposed convolution that takes a plane of `output` lengths back to one of
  /// exactly `input`, and its output padding; `self` is resolved.
  static func transposed(
    _ window: Resolved, from output: [Int], to input: [Int]
  ) -> (window: Window, padding: [Int]) {
    var (pads, padding) = (window.padsEnd, window.padsEnd)
    for i in input.indices {
      let span = (window.kernel[i] - 1) * window.dilations[i] + 1
      let missing = input[i] + window.padsBegin[i] - (output[i] - 1) * window.strides[i] - span
      (pads[i], padding[i]) = (max(0, -missing), max(0, missing))
    }
    return (
      Window(
        kernel: window.kernel, strides: window.strides, pads: window.padsBegin + pads,
        dilations: window.dilations), padding
    )
  }

  /// With every default filled in.
  init(_ resolved: Resolved) {
    self.init(
      kernel: resolved.kernel, strides: resolved.strides,
      pads: resolved.padsBegin + resolved.padsEnd, dilations: resolved.dilations)
  }
}

extension Conv {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let (x, weight, g) = (try n.input(0), try n.input(1), try n.output())
    let kernel = Array(try b.shape(weight).dropFirst(2))
    let input = Array(try b.dimensions(x).dropFirst(2))
    let resolved = try b.resolved { () throws(InferenceError) in
      try window.resolved(kernel: kernel, input: input)
    }
    var gradients: [ValueID?] = [nil, nil, nil, nil]
    if n.wants(0) {
      let lengths = try b.spatialLengths(x)
      let back = Window.transposed(resolved, from: try b.spatialLengths(g), to: lengths)
      var op = ConvTranspose(window: back.window, group: group)
      op.outputPadding = back.padding
      gradients[0] = try b.add(.convTranspose(op), g, weight)
    }
    if n.wants(1) {
      if window.autoPad != .notSet { _ = try b.spatialLengths(x) }
      let op = ConvWeightGradient(window: Window(resolved), group: group)
      gradients[1] = try b.add(.convWeightGradient(op), x, g)
    }
    if n.wants(2) { gradients[2] = try b.sumOverPlanes(g) }
    if n.wants(3) { gradients[3] = g }
    return gradients
  }
}

extension ConvTranspose {
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    let (x, weight, g) = (try n.input(0), try n.input(1), try n.output())
    let kernel = Array(try b.shape(weight).dropFirst(2))
    let (input, output) = (try b.spatialLengths(x), try b.spatialLengths(g))
    var resolved = try b.resolved { () throws(InferenceError) in
      try self.resolved(kernel: kernel, input: input).window
    }
    // Pads at the end such that sliding over the output gives exactly x's positions.
    for i in input.indices {
      let span = (resolved.kernel[i] - 1) * resolved.dilations[i] + 1
      resolved.padsEnd[i] =
        (input[i] - 1) * resolved.strides[i] + span - resolved.padsBegin[i] - output[i]
    }
    var gradients: [ValueID?] = [nil, nil, nil]
    if n.wants(0) {
      gradients[0] = try b.add(.conv(Conv(window: Window(resolved), group: group)), g, weight)
    }
    if n.wants(1) {
      let op = ConvWeightGradient(window: Window(resolved), group: group)
      gradients[1] = try b.add(.convWeightGradient(op), g, x)
    }
    if n.wants(2) { gradients[2] = try b.sumOverPlanes(g) }
    return gradients
  }
}

extension GradientBuilder {
  /// The lengths of a value's axes from 2 on.
  func spatialLengths(_ id: ValueID) throws(DifferentiationError) -> [Int] {
    guard let lengths = TensorType(.int64, Array(try dimensions(id).dropFirst(2))).shape else {
      throw openShape(id)
    }
    return lengths
  }

  /// Sums over every axis but the channels'.
  mutating func sumOverPlanes(_ x: ValueID) throws(DifferentiationError) -> ValueID {
    let axes = [0] + (2..<max(2, try rank(x)))
    return try sum(x, axes: axes, keepsDimensions: false)
  }
}
