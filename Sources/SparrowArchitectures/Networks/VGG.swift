import SparrowCore

/// VGG with batch normalisation. (Simonyan and Zisserman 2015, Very Deep Convolutional Networks,
/// table 1, columns A and D.)
///
/// Parameters are named as in torchvision's `vgg11_bn` and `vgg16_bn`: `features.0.weight`, ... The
/// form for small images has a linear layer `classifier` in place of three. Dropout is no part of the
/// graph; its places in the numbering are kept. Convolutions start normal by fan-out, linear layers
/// normal of deviation 0.01, biases at 0.
struct VGG {
  enum Depth {
    case eleven, sixteen

    /// Channels of each stage's convolutions; a maximum pooling ends each stage.
    var stages: [[Int]] {
      switch self {
      case .eleven: [[64], [128], [256, 256], [512, 512], [512, 512]]
      case .sixteen:
        [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]]
      }
    }
  }

  var depth: Depth
  /// One linear layer after the mean of the last map, in place of three after a map of 7x7.
  var isSmall: Bool
  var width = 1.0

  func build(
    _ b: inout NetworkBuilder, sample: [Int], classes: Int
  ) throws(ArchitectureError) -> ValueID {
    let x = try features(&b, try b.image(sample))
    guard isSmall else { return try classifier(&b, x, sample, classes) }
    let rows = try b.globalPool("avgpool", x)
    return try b.linear("classifier", rows, outputs: classes, Self.linear)
  }

  private static let linear = LinearForm(weight: .normal(deviation: 0.01), bias: .constant(0))

  private func features(
    _ b: inout NetworkBuilder, _ image: ValueID
  ) throws(ArchitectureError) -> ValueID {
    var x = image
    var place = 0
    for stage in depth.stages {
      for channels in stage {
        var form = ConvolutionForm(ChannelRounding.nearest(channels, times: width), kernel: 3)
        form.hasBias = true
        x = try b.convolution("features.\(place)", x, form)
        x = try b.batchNorm("features.\(place + 1)", x)
        x = try b.nonlinearity("features.\(place + 2)", x, .relu)
        place += 3
      }
      x = try pool(&b, "features.\(place)", x)
      place += 1
    }
    return x
  }

  /// Halves the map; in the form for small images one of a single row or column stays as it is.
  private func pool(
    _ b: inout NetworkBuilder, _ name: String, _ x: ValueID
  ) throws(ArchitectureError) -> ValueID {
    if isSmall, try b.imageShape(x).dropFirst().contains(1) { return x }
    return try b.maxPool(name, x, kernel: 2, stride: 2)
  }

  private func classifier(
    _ b: inout NetworkBuilder, _ map: ValueID, _ sample: [Int], _ classes: Int
  ) throws(ArchitectureError) -> ValueID {
    let side = 7
    let shape = try b.imageShape(map)
    guard shape[1] == side, shape[2] == side else {
      throw .inputShape(
        architecture: b.architecture, found: sample,
        expected: "height and width of 224 to 255, for a last map of 7x7; \(b.architecture)-cifar "
          + "takes any")
    }
    var x = try b.flatten("flatten", map)
    let hidden = ChannelRounding.nearest(4096, times: width)
    for place in [0, 3] {
      x = try b.linear("classifier.\(place)", x, outputs: hidden, Self.linear)
      x = try b.nonlinearity("classifier.\(place + 1)", x, .relu)
    }
    return try b.linear("classifier.6", x, outputs: classes, Self.linear)
  }
}
