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

  /// The window of the convolution that takes gradients back through one without strides; nil where
  /// there are strides, or more padding than a window can reach over. `self` is resolved.
  static func mirrored(_ window: Resolved) -> Window? {
    guard window.strides.allSatisfy({ $0 == 1 }) else { return nil }
    let spans = window.kernel.indices.map { (window.kernel[$0] - 1) * window.dilations[$0] }
    let begin = zip(spans, window.padsBegin).map { $0 - $1 }
    let end = zip(spans, window.padsEnd).map { $0 - $1 }
    guard (begin + end).allSatisfy({ $0 >= 0 }) else { return nil }
    return Window(
      kernel: window.kernel, strides: window.strides, pads: begin + end,
      dilations: window.dilations)
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
      gradients[0] = try inputGradient(resolved, x, weight, g, &b)
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

extension Conv {
  /// Each input element's share of the output's gradient `g`: the transposed convolution, which without
  /// strides is a convolution with the weight turned around.
  private func inputGradient(
    _ resolved: Window.Resolved, _ x: ValueID, _ weight: ValueID, _ g: ValueID,
    _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> ValueID {
    if let window = Window.mirrored(resolved) {
      let turned = try b.turned(weight, group: group)
      return try b.add(.conv(Conv(window: window, group: group)), g, turned)
    }
    let lengths = try b.spatialLengths(x)
    let back = Window.transposed(resolved, from: try b.spatialLengths(g), to: lengths)
    var op = ConvTranspose(window: back.window, group: group)
    op.outputPadding = back.padding
    return try b.add(.convTranspose(op), g, weight)
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

  /// A weight `[O, C/group, kernel...]` with inputs and outputs exchanged, `[C, O/group, kernel...]`, and
  /// every axis of its kernel reversed.
  fileprivate mutating func turned(
    _ weight: ValueID, group: Int
  ) throws(DifferentiationError) -> ValueID {
    let shape = try shape(weight)
    let (outputs, inputs, kernel) = (shape[0] / max(1, group), shape[1], Array(shape[2...]))
    // Zeros that are known stay known.
    if let maker = maker(of: weight), case .masked(let op) = maker.op, let x = maker.input(0),
      let mask = maker.input(1)
    {
      return try add(.masked(op), try turned(x, group: group), try turned(mask, group: group))
    }
    var result = weight
    let axes = Array(2..<shape.count)
    if kernel.contains(where: { $0 > 1 }) {
      result = try add(
        .slice(Slice()), result, integers(axes.map { _ in -1 }),
        integers(axes.map { _ in Int(Int32.min) }), integers(axes), integers(axes.map { _ in -1 }))
    }
    if outputs == 1, inputs == 1 { return result }
    result = try reshape(result, to: [group, outputs, inputs] + kernel)
    let order = [0, 2, 1] + axes.map { $0 + 1 }
    result = try add(.transpose(Transpose(order)), result)
    return try reshape(result, to: [group * inputs, outputs] + kernel)
  }

  /// Sums over every axis but the channels'.
  mutating func sumOverPlanes(_ x: ValueID) throws(DifferentiationError) -> ValueID {
    let axes = [0] + (2..<max(2, try rank(x)))
    return try sum(x, axes: axes, keepsDimensions: false)
  }
}
