import SparrowCore

extension ResNet {
  /// The mean over height and width, as the value `features`, and three linear layers as wide as the
  /// embedding, batch normalisation and ReLU between them. (Bardes et al. 2022, VICReg, section 4.2.)
  func expander(
    _ b: inout NetworkBuilder, _ x: ValueID, outputs: Int
  ) throws(ArchitectureError) -> ValueID {
    let mean = try b.add(.globalPool(GlobalPool(.average)), [x], "avgpool")
    var y = try b.flatten("features", mean)
    for i in 0..<2 {
      y = try b.linear("expander.\(3 * i)", y, outputs: outputs)
      y = try b.batchNorm("expander.\(3 * i + 1)", y)
      y = try b.nonlinearity("expander.\(3 * i + 2)", y, .relu)
    }
    return try b.linear("expander.6", y, outputs: outputs)
  }
}

extension NetworkBuilder {
  /// How far on the open side gates start.
  private static let firstGateBias: Float = 2

  /// Channels of `hidden`, each kept or set to 0 by what the whole block's input holds. (Krishna et al.
  /// 2023, Unifying Synergies between Self-supervised Learning and Dynamic Computation, section 3.)
  ///
  /// ```
  /// logits = conv2(relu(bn(conv1(mean x))))       [N, C, 1, 1], 1x1; conv1 to a quarter of x's channels
  /// result = where(logits >= 0, hidden, 0)        [N, C, H, W]
  /// ```
  mutating func gate(
    _ name: String, _ hidden: ValueID, by x: ValueID
  ) throws(ArchitectureError) -> ValueID {
    let (inputs, channels) = (try lengths(x)[0], try lengths(hidden)[0])
    let mean = try add(.globalPool(GlobalPool(.average)), [x], "\(name).pool")
    let narrow = ConvolutionForm(max(1, inputs / 4), kernel: 1)
    var y = try batchNorm("\(name).bn", try convolution("\(name).conv1", mean, narrow))
    y = try nonlinearity("\(name).relu", y, .relu)
    var wide = ConvolutionForm.plain(channels, kernel: 1)
    wide.bias = .constant(Self.firstGateBias)
    let logits = try convolution("\(name).conv2", y, wide)
    let open = try add(.binary(Binary(.greaterOrEqual)), [logits, scalar(0)], "\(name).open")
    return try add(.where(Where()), [open, hidden, scalar(0)], "\(name).where")
  }
}
