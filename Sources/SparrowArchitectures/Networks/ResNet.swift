import SparrowCore

/// Residual networks. (He et al. 2016, Deep Residual Learning for Image Recognition, table 1 and
/// section 4.2.)
///
/// Parameters are named as in torchvision: `conv1`, `bn1`, `layer1.0.conv1`, `layer2.0.downsample.0`,
/// `fc`. As there, bottlenecks take their stride in the 3x3 convolution, and shortcuts that change
/// shape are 1x1 convolutions, in the networks for small images too (there He et al. pad with zeros).
/// Convolutions start normal by fan-out.
struct ResNet {
  enum Block {
    /// Two 3x3 convolutions.
    case basic
    /// 1x1, 3x3 and 1x1 to four times the channels.
    case bottleneck
  }

  enum Stem {
    /// 7x7 at stride 2 and a maximum pooling.
    case large
    /// 3x3 at stride 1: small images.
    case small
  }

  enum Head {
    case classifier
    /// What VICReg learns by: three linear layers as wide as the embedding.
    case expander
  }

  var block: Block
  var stem: Stem
  /// Blocks of each stage; each after the first halves height and width and doubles the channels.
  var depths: [Int]
  /// The channels of the first stage.
  var channels: Int
  var width = 1.0
  var head = Head.classifier
  /// Whether basic blocks choose, image by image, which of their inner channels they compute.
  var isGated = false

  static let eight = ResNet(block: .basic, stem: .small, depths: [1, 1, 1], channels: 16)
  static let fourteen = ResNet(block: .basic, stem: .small, depths: [2, 2, 2], channels: 16)
  static let eighteen = ResNet(block: .basic, stem: .large, depths: [2, 2, 2, 2], channels: 64)
  static let fifty = ResNet(block: .bottleneck, stem: .large, depths: [3, 4, 6, 3], channels: 64)
  static let twenty = ResNet(block: .basic, stem: .small, depths: [3, 3, 3], channels: 16)
  static let eighteenSmall = ResNet(
    block: .basic, stem: .small, depths: [2, 2, 2, 2], channels: 64)

  func build(
    _ b: inout NetworkBuilder, sample: [Int], classes: Int
  ) throws(ArchitectureError) -> ValueID {
    var x = try stem(&b, try b.image(sample))
    for (stage, depth) in depths.enumerated() {
      let outputs = ChannelRounding.nearest(channels << stage, times: width)
      for i in 0..<depth {
        let stride = stage > 0 && i == 0 ? 2 : 1
        x = try block(&b, "layer\(stage + 1).\(i)", x, outputs, stride)
      }
    }
    switch head {
    case .classifier:
      return try b.linear("fc", try b.globalPool("avgpool", x), outputs: classes)
    case .expander: return try expander(&b, x, outputs: classes)
    }
  }

  private func stem(
    _ b: inout NetworkBuilder, _ image: ValueID
  ) throws(ArchitectureError) -> ValueID {
    let outputs = ChannelRounding.nearest(channels, times: width)
    let form = ConvolutionForm(
      outputs, kernel: stem == .large ? 7 : 3, stride: stem == .large ? 2 : 1)
    var x = try b.convolution("conv1", image, form)
    x = try b.nonlinearity("relu", try b.batchNorm("bn1", x), .relu)
    guard stem == .large else { return x }
    return try b.maxPool("maxpool", x, kernel: 3, stride: 2, padding: .each(1))
  }

  private func block(
    _ b: inout NetworkBuilder, _ name: String, _ x: ValueID, _ channels: Int, _ stride: Int
  ) throws(ArchitectureError) -> ValueID {
    let forms: [ConvolutionForm]
    switch block {
    case .basic:
      forms = [
        ConvolutionForm(channels, kernel: 3, stride: stride), ConvolutionForm(channels, kernel: 3),
      ]
    case .bottleneck:
      forms = [
        ConvolutionForm(channels, kernel: 1), ConvolutionForm(channels, kernel: 3, stride: stride),
        ConvolutionForm(4 * channels, kernel: 1),
      ]
    }
    var y = x
    for (i, form) in forms.enumerated() {
      if i > 0 { y = try b.nonlinearity("\(name).relu", y, .relu) }
      if i == 1, isGated, block == .basic { y = try b.gate("\(name).gate", y, by: x) }
      y = try b.convolution("\(name).conv\(i + 1)", y, form)
      y = try b.batchNorm("\(name).bn\(i + 1)", y)
    }
    let shortcut = try shortcut(&b, name, x, y, stride)
    return try b.nonlinearity("\(name).relu", try b.sum("\(name).add", y, shortcut), .relu)
  }

  private func shortcut(
    _ b: inout NetworkBuilder, _ name: String, _ x: ValueID, _ y: ValueID, _ stride: Int
  ) throws(ArchitectureError) -> ValueID {
    let (inputs, outputs) = (try b.lengths(x)[0], try b.lengths(y)[0])
    guard stride != 1 || inputs != outputs else { return x }
    let form = ConvolutionForm(outputs, kernel: 1, stride: stride)
    let projection = try b.convolution("\(name).downsample.0", x, form)
    return try b.batchNorm("\(name).downsample.1", projection)
  }
}
