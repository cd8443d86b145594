import SparrowCore

/// EfficientNet-Lite0 to 4: EfficientNet without squeeze-and-excitation, with ReLU6, stem and head not
/// scaled. (Tan and Le 2019, EfficientNet, table 1 and section 3.3; the Lite variants as TensorFlow's
/// published `efficientnet/lite` has them.)
///
/// Parameters are named as in timm's `tf_efficientnet_lite0`: `conv_stem`, `bn1`, `blocks.1.0.conv_pw`,
/// `conv_head`, `bn2`, `classifier`. Padding is TensorFlow's. Convolutions start normal by the fan-out of
/// a group, the classifier uniform within 1 / sqrt(classes), its bias at 0.
struct EfficientNetLite {
  var channelFactor: Double
  var depthFactor: Double
  /// Height and width that it was made for.
  var side: Int

  /// The five published ones.
  static let variants = [
    EfficientNetLite(channelFactor: 1.0, depthFactor: 1.0, side: 224),
    EfficientNetLite(channelFactor: 1.0, depthFactor: 1.1, side: 240),
    EfficientNetLite(channelFactor: 1.1, depthFactor: 1.2, side: 260),
    EfficientNetLite(channelFactor: 1.2, depthFactor: 1.4, side: 280),
    EfficientNetLite(channelFactor: 1.4, depthFactor: 1.8, side: 300),
  ]

  /// Blocks, kernel, the first block's stride, expansion and channels of each stage.
  private static let stages = [
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
  ]

  func build(
    _ b: inout NetworkBuilder, sample: [Int], width: Double, classes: Int
  ) throws(ArchitectureError) -> ValueID {
    func fixed(_ channels: Int) -> Int {
      width == 1 ? channels : ChannelRounding.divisible(Double(channels) * width)
    }
    let layers = InvertedResidual(
      batchNorm: BatchNormForm(epsilon: 1e-3, momentum: 0.99), function: .relu6, padding: .same)
    var x = try layers.stem(&b, try b.image(sample), outputs: fixed(32))
    for (s, (depth, kernel, first, expansion, channels)) in Self.stages.enumerated() {
      let outputs = ChannelRounding.divisible(Double(channels) * channelFactor * width)
      for i in 0..<repeats(depth, s) {
        let (name, stride) = ("blocks.\(s).\(i)", i == 0 ? first : 1)
        x =
          expansion == 1
          ? try layers.separable(
            &b, name, x, outputs: outputs, kernel: kernel, stride: stride, endsActive: false)
          : try layers.inverted(
            &b, name, x, outputs: outputs, expansion: expansion, kernel: kernel, stride: stride)
      }
    }
    x = try layers.layer(
      &b, ("conv_head", "bn2", "act2"), x, layers.form(fixed(1280), kernel: 1))
    return try layers.classifier(&b, try b.globalPool("global_pool", x), classes)
  }

  /// The first and the last stage keep their depth.
  private func repeats(_ depth: Int, _ stage: Int) -> Int {
    guard stage > 0, stage < Self.stages.count - 1 else { return depth }
    return Int((Double(depth) * depthFactor).rounded(.up))
  }
}
