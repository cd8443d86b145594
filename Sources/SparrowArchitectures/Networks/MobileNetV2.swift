import SparrowCore

/// MobileNetV2: inverted residuals with linear bottlenecks. (Sandler et al. 2018, table 2.)
///
/// Parameters are named as in torchvision's `mobilenet_v2`: `features.0.0.weight`,
/// `features.1.conv.0.0.weight`, `classifier.1.weight`. Convolutions start normal by fan-out, the
/// classifier normal of deviation 0.01, its bias at 0. The form for small images is the same with stride
/// 1 in the stem and the second stage.
struct MobileNetV2 {
  var isSmall = false
  var width = 1.0

  /// Expansion, channels, blocks and the first block's stride of each stage.
  private static let stages = [
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
    (6, 320, 1, 1),
  ]

  func build(
    _ b: inout NetworkBuilder, sample: [Int], classes: Int
  ) throws(ArchitectureError) -> ValueID {
    func scaled(_ channels: Int) -> Int { ChannelRounding.divisible(Double(channels) * width) }
    let stem = ConvolutionForm(scaled(32), kernel: 3, stride: isSmall ? 1 : 2)
    var x = try layer(&b, "features.0", (0, 1), try b.image(sample), stem)
    var place = 1
    for (s, (expansion, channels, depth, first)) in Self.stages.enumerated() {
      for i in 0..<depth {
        let stride = i > 0 || isSmall && s == 1 ? 1 : first
        x = try block(
          &b, "features.\(place)", x, outputs: scaled(channels), expansion: expansion,
          stride: stride)
        place += 1
      }
    }
    let last = ChannelRounding.divisible(1280 * max(1, width))
    x = try layer(&b, "features.\(place)", (0, 1), x, ConvolutionForm(last, kernel: 1))
    return try b.linear(
      "classifier.1", try b.globalPool("avgpool", x), outputs: classes,
      LinearForm(weight: .normal(deviation: 0.01), bias: .constant(0)))
  }

  /// Convolution, batch normalisation and ReLU6 at two places of a sequence.
  private func layer(
    _ b: inout NetworkBuilder, _ name: String, _ places: (Int, Int), _ x: ValueID,
    _ form: ConvolutionForm
  ) throws(ArchitectureError) -> ValueID {
    let y = try b.convolution("\(name).\(places.0)", x, form)
    let normal = try b.batchNorm("\(name).\(places.1)", y)
    return try b.nonlinearity("\(name).\(places.1 + 1)", normal, .relu6)
  }

  private func block(
    _ b: inout NetworkBuilder, _ name: String, _ x: ValueID, outputs: Int, expansion: Int,
    stride: Int
  ) throws(ArchitectureError) -> ValueID {
    let inputs = try b.lengths(x)[0]
    let middle = inputs * expansion
    var y = x
    var place = 0
    if expansion != 1 {
      y = try layer(&b, "\(name).conv.0", (0, 1), y, ConvolutionForm(middle, kernel: 1))
      place = 1
    }
    let depthwise = ConvolutionForm(middle, kernel: 3, stride: stride, groups: middle)
    y = try layer(&b, "\(name).conv.\(place)", (0, 1), y, depthwise)
    y = try b.convolution(
      "\(name).conv.\(place + 1)", y, ConvolutionForm(outputs, kernel: 1))
    y = try b.batchNorm("\(name).conv.\(place + 2)", y)
    guard stride == 1, inputs == outputs else { return y }
    return try b.sum("\(name).add", y, x)
  }
}
