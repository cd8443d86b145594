import SparrowCore

/// The blocks that MobileNetV1 and EfficientNet-Lite are made of, named as timm names them: `conv_pw`,
/// `bn1`, `conv_dw`, `bn2`, `conv_pwl`, `bn3`.
struct InvertedResidual {
  var batchNorm: BatchNormForm
  var function: Nonlinearity
  var padding: BorderPadding

  /// 3x3: `conv_stem`, `bn1`.
  func stem(
    _ b: inout NetworkBuilder, _ image: ValueID, outputs: Int, stride: Int = 2
  ) throws(ArchitectureError) -> ValueID {
    try layer(&b, ("conv_stem", "bn1", "act1"), image, form(outputs, kernel: 3, stride: stride))
  }

  /// A depthwise convolution and a 1x1 one, with an activation after the second where it
  /// `endsActive` and a shortcut where it does not and shapes allow.
  func separable(
    _ b: inout NetworkBuilder, _ name: String, _ x: ValueID, outputs: Int, kernel: Int,
    stride: Int, endsActive: Bool
  ) throws(ArchitectureError) -> ValueID {
    let inputs = try b.lengths(x)[0]
    var y = try layer(
      &b, ("\(name).conv_dw", "\(name).bn1", "\(name).act1"), x,
      form(inputs, kernel: kernel, stride: stride, groups: inputs))
    y = try layer(
      &b, ("\(name).conv_pw", "\(name).bn2", endsActive ? "\(name).act2" : nil), y,
      form(outputs, kernel: 1))
    guard !endsActive, stride == 1, inputs == outputs else { return y }
    return try b.sum("\(name).add", y, x)
  }

  /// 1x1 to `expansion` times the channels, depthwise, and 1x1 to `outputs` without activation; a
  /// shortcut where shapes allow. (Sandler et al. 2018, MobileNetV2, section 3.)
  func inverted(
    _ b: inout NetworkBuilder, _ name: String, _ x: ValueID, outputs: Int, expansion: Int,
    kernel: Int, stride: Int
  ) throws(ArchitectureError) -> ValueID {
    let inputs = try b.lengths(x)[0]
    let middle = ChannelRounding.divisible(Double(inputs) * Double(expansion))
    var y = try layer(
      &b, ("\(name).conv_pw", "\(name).bn1", "\(name).act1"), x, form(middle, kernel: 1))
    y = try layer(
      &b, ("\(name).conv_dw", "\(name).bn2", "\(name).act2"), y,
      form(middle, kernel: kernel, stride: stride, groups: middle))
    y = try layer(&b, ("\(name).conv_pwl", "\(name).bn3", nil), y, form(outputs, kernel: 1))
    guard stride == 1, inputs == outputs else { return y }
    return try b.sum("\(name).add", y, x)
  }

  /// Scores of rows: `classifier`.
  func classifier(
    _ b: inout NetworkBuilder, _ rows: ValueID, _ classes: Int
  ) throws(ArchitectureError) -> ValueID {
    let bound = 1 / Double(max(1, classes)).squareRoot()
    return try b.linear(
      "classifier", rows, outputs: classes,
      LinearForm(weight: .uniform(bound: bound), bias: .constant(0)))
  }

  /// A convolution, its batch normalisation, and the activation where it has a name.
  func layer(
    _ b: inout NetworkBuilder, _ names: (conv: String, norm: String, act: String?), _ x: ValueID,
    _ form: ConvolutionForm
  ) throws(ArchitectureError) -> ValueID {
    let y = try b.batchNorm(names.norm, try b.convolution(names.conv, x, form), batchNorm)
    guard let act = names.act else { return y }
    return try b.nonlinearity(act, y, function)
  }

  func form(
    _ outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1
  ) -> ConvolutionForm {
    var form = ConvolutionForm(outputs, kernel: kernel, stride: stride, groups: groups)
    form.padding = padding
    form.weight = .kaimingNormal(.groupOutputs(groups: groups))
    return form
  }
}
