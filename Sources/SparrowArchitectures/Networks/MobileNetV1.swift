import SparrowCore

/// MobileNetV1: depthwise and pointwise convolutions in turns. (Howard et al. 2017, MobileNets,
/// table 1; ReLU6 as in its authors' code.)
///
/// Parameters are named as in timm's `mobilenetv1_100`: `conv_stem`, `bn1`, `blocks.0.0.conv_dw`,
/// `blocks.0.0.bn1`, `blocks.0.0.conv_pw`, `blocks.0.0.bn2`, `classifier`. Convolutions start normal by
/// the fan-out of a group, the classifier uniform within 1 / sqrt(classes), its bias at 0. The form for
/// small images is the same with a stem of stride 1.
struct MobileNetV1 {
  var isSmall = false
  var width = 1.0

  /// Each stage's channels and blocks; stages after the first begin with stride 2.
  private static let stages = [(64, 1), (128, 2), (256, 2), (512, 6), (1024, 2)]

  func build(
    _ b: inout NetworkBuilder, sample: [Int], classes: Int
  ) throws(ArchitectureError) -> ValueID {
    func scaled(_ channels: Int) -> Int {
      width == 1 ? channels : ChannelRounding.divisible(Double(channels) * width)
    }
    let layers = InvertedResidual(batchNorm: BatchNormForm(), function: .relu6, padding: .half)
    var x = try layers.stem(&b, try b.image(sample), outputs: scaled(32), stride: isSmall ? 1 : 2)
    for (s, (channels, depth)) in Self.stages.enumerated() {
      for i in 0..<depth {
        let stride = s > 0 && i == 0 ? 2 : 1
        x = try layers.separable(
          &b, "blocks.\(s).\(i)", x, outputs: scaled(channels), kernel: 3, stride: stride,
          endsActive: true)
      }
    }
    return try layers.classifier(&b, try b.globalPool("global_pool", x), classes)
  }
}
