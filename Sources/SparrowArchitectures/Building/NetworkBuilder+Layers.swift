import SparrowCore

extension NetworkBuilder {
  /// A square convolution of an image `[N, C, H, W]`: parameters NAME.weight
  /// `[outputs, C / groups, kernel, kernel]` and, with a bias, NAME.bias.
  public mutating func convolution(
    _ name: String, _ x: ValueID, _ form: ConvolutionForm
  ) throws(ArchitectureError) -> ValueID {
    let image = try imageShape(x)
    guard form.groups > 0, image[0] % form.groups == 0, form.outputs > 0, form.kernel > 0 else {
      throw .setting(
        architecture: architecture,
        reason: "\(name) has \(form.groups) groups and \(form.outputs) outputs of kernel "
          + "\(form.kernel), which \(image[0]) channels do not fit")
    }
    let inputs = image[0] / form.groups
    let weight = try parameter(
      name + ".weight", [form.outputs, inputs, form.kernel, form.kernel], form.weight)
    var bias: ValueID?
    if form.hasBias {
      let fan = Double(inputs * form.kernel * form.kernel)
      bias = try parameter(
        name + ".bias", [form.outputs], form.bias ?? .uniform(bound: 1 / fan.squareRoot()))
    }
    let window = window(form.kernel, form.stride, form.padding, Array(image.dropFirst()))
    return try add(.conv(Conv(window: window, group: form.groups)), [x, weight, bias], name)
  }

  /// Batch normalisation of channels: parameters NAME.weight and NAME.bias, statistics
  /// NAME.running_mean and NAME.running_var.
  public mutating func batchNorm(
    _ name: String, _ x: ValueID, _ form: BatchNormForm = BatchNormForm()
  ) throws(ArchitectureError) -> ValueID {
    let channels = try lengths(x)[0]
    var op = BatchNormalization()
    (op.epsilon, op.momentum) = (form.epsilon, form.momentum)
    let inputs = [
      x, try parameter(name + ".weight", [channels], .constant(form.scale)),
      try parameter(name + ".bias", [channels], .constant(0)),
      try parameter(name + ".running_mean", [channels], .constant(0)),
      try parameter(name + ".running_var", [channels], .constant(1)),
    ]
    return try add(.batchNormalization(op), inputs, name)
  }

  /// A linear layer of rows `[N, inputs]`: parameters NAME.weight `[outputs, inputs]` and NAME.bias.
  public mutating func linear(
    _ name: String, _ x: ValueID, outputs: Int, _ form: LinearForm = LinearForm()
  ) throws(ArchitectureError) -> ValueID {
    let inputs = try lengths(x)[0]
    guard outputs > 0 else {
      throw .setting(
        architecture: architecture, reason: "\(name) has \(outputs) outputs, expected 1 or more")
    }
    let weight = try parameter(name + ".weight", [outputs, inputs], form.weight)
    let bound = 1 / Double(inputs).squareRoot()
    let bias = try parameter(name + ".bias", [outputs], form.bias ?? .uniform(bound: bound))
    return try add(.gemm(Gemm(transposesB: true)), [x, weight, bias], name)
  }

  /// An elementwise function; `x` itself where there is none.
  public mutating func nonlinearity(
    _ name: String, _ x: ValueID, _ function: Nonlinearity
  ) throws(ArchitectureError) -> ValueID {
    switch function {
    case .none: return x
    case .relu: return try add(.unary(Unary(.relu)), [x], name)
    case .relu6: return try add(.clip(Clip()), [x, scalar(0), scalar(6)], name)
    case .hardSwish: return try add(.unary(Unary(.hardSwish)), [x], name)
    case .gelu: return try add(.unary(Unary(.gelu)), [x], name)
    case .tanh: return try add(.unary(Unary(.tanh)), [x], name)
    }
  }

  /// The sum of a branch and its shortcut.
  public mutating func sum(
    _ name: String, _ x: ValueID, _ y: ValueID
  ) throws(ArchitectureError) -> ValueID {
    try add(.binary(Binary(.add)), [x, y], name)
  }

  /// The largest of each square window; a window's padding never counts.
  public mutating func maxPool(
    _ name: String, _ x: ValueID, kernel: Int, stride: Int, padding: BorderPadding = .each(0)
  ) throws(ArchitectureError) -> ValueID {
    var window = window(kernel, stride, padding, Array(try imageShape(x).dropFirst()))
    window.kernel = [kernel, kernel]
    return try add(.pool(Pool(.max, window: window)), [x], name)
  }

  /// The mean over height and width, as rows `[N, C]`.
  public mutating func globalPool(
    _ name: String, _ x: ValueID
  ) throws(ArchitectureError) -> ValueID {
    try flatten(name + ".flatten", try add(.globalPool(GlobalPool(.average)), [x], name))
  }

  /// Each sample as one row; `x` itself where it is one already.
  public mutating func flatten(
    _ name: String, _ x: ValueID
  ) throws(ArchitectureError) -> ValueID {
    try lengths(x).count == 1 ? x : try add(.flatten(Flatten()), [x], name)
  }

  /// Channels weighed by what the whole image holds: x * hardSigmoid(b(f(a(mean x)))), a and b 1x1
  /// convolutions with biases named `reduce` and `expand`. (Hu et al. 2018, Squeeze-and-Excitation
  /// Networks; with hard sigmoid Howard et al. 2019, MobileNetV3, section 5.3.)
  public mutating func squeezeExcite(
    _ name: String, _ x: ValueID, channels: Int, _ function: Nonlinearity,
    reduce: String, expand: String
  ) throws(ArchitectureError) -> ValueID {
    let mean = try add(.globalPool(GlobalPool(.average)), [x], name + ".pool")
    let narrow = try convolution(reduce, mean, .plain(channels, kernel: 1))
    let active = try nonlinearity(name + ".act", narrow, function)
    let wide = try convolution(expand, active, .plain(try lengths(x)[0], kernel: 1))
    var sigmoid = Unary(.hardSigmoid)
    (sigmoid.alpha, sigmoid.beta) = (1 / 6, 0.5)
    let gate = try add(.unary(sigmoid), [wide], name + ".gate")
    return try add(.binary(Binary(.mul)), [x, gate], name + ".mul")
  }

  /// `[C, H, W]` of an image.
  func imageShape(_ x: ValueID) throws(ArchitectureError) -> [Int] {
    let shape = try lengths(x)
    guard shape.count == 3 else {
      throw .inputShape(
        architecture: architecture, found: shape, expected: "channels, height and width")
    }
    return shape
  }

  private func window(
    _ kernel: Int, _ stride: Int, _ padding: BorderPadding, _ lengths: [Int]
  ) -> Window {
    let pads: [(begin: Int, end: Int)] = lengths.map { length in
      switch padding {
      case .each(let zeros): return (zeros, zeros)
      case .half: return (kernel / 2, kernel / 2)
      case .same:
        let outputs = (length + stride - 1) / max(1, stride)
        let zeros = max(0, (outputs - 1) * stride + kernel - length)
        return (zeros / 2, zeros - zeros / 2)
      }
    }
    return Window(
      strides: [stride, stride], pads: pads.map { $0.begin } + pads.map { $0.end })
  }
}
