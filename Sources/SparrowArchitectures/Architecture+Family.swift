import SparrowCore

extension Architecture {
  /// What builds the network.
  enum Family {
    typealias ImageBuilder = (
      inout NetworkBuilder, _ sample: [Int], _ width: Double, _ classes: Int
    ) throws(ArchitectureError) -> ValueID

    /// By the widths of hidden layers.
    case mlp([Int])
    case images(ImageBuilder)
    case bert(BERT)
  }

  var family: Family {
    switch self {
    case .mlp: .mlp([128, 64])
    case .leNet300: .mlp([300, 100])
    case .leNet5: .images(LeNet5.build)
    case .vgg11: vgg(.eleven, isSmall: false)
    case .vgg16: vgg(.sixteen, isSmall: false)
    case .vgg11Small: vgg(.eleven, isSmall: true)
    case .vgg16Small: vgg(.sixteen, isSmall: true)
    case .resNet18: resNet(.eighteen)
    case .resNet50: resNet(.fifty)
    case .resNet18Small: resNet(.eighteenSmall)
    case .resNet20: resNet(.twenty)
    case .resNet8Expanded: resNet(.eight, head: .expander)
    case .resNet14Expanded: resNet(.fourteen, head: .expander)
    case .resNet18Expanded: resNet(.eighteenSmall, head: .expander)
    case .resNet8Gated: resNet(.eight, head: .expander, isGated: true)
    case .resNet14Gated: resNet(.fourteen, head: .expander, isGated: true)
    case .resNet18Gated: resNet(.eighteenSmall, head: .expander, isGated: true)
    case .mobileNetV1: mobileNetV1(isSmall: false)
    case .mobileNetV2: mobileNetV2(isSmall: false)
    case .mobileNetV1Small: mobileNetV1(isSmall: true)
    case .mobileNetV2Small: mobileNetV2(isSmall: true)
    case .efficientNetLite0: .images(EfficientNetLite.variants[0].build)
    case .efficientNetLite1: .images(EfficientNetLite.variants[1].build)
    case .efficientNetLite2: .images(EfficientNetLite.variants[2].build)
    case .efficientNetLite3: .images(EfficientNetLite.variants[3].build)
    case .efficientNetLite4: .images(EfficientNetLite.variants[4].build)
    case .fbNetV3A: fbNet(.a)
    case .fbNetV3ASmall: fbNet(.a, isSmall: true)
    case .fbNetV3B: fbNet(.b)
    case .fbNetV3BSmall: fbNet(.b, isSmall: true)
    case .fbNetV3C: fbNet(.c)
    case .fbNetV3CSmall: fbNet(.c, isSmall: true)
    case .fbNetV3D: fbNet(.d)
    case .fbNetV3DSmall: fbNet(.d, isSmall: true)
    case .fbNetV3E: fbNet(.e)
    case .fbNetV3ESmall: fbNet(.e, isSmall: true)
    case .fbNetV3F: fbNet(.f)
    case .fbNetV3FSmall: fbNet(.f, isSmall: true)
    case .fbNetV3G: fbNet(.g)
    case .fbNetV3GSmall: fbNet(.g, isSmall: true)
    case .bertTiny: .bert(BERT(layers: 2, hidden: 128, heads: 2))
    case .bertMini: .bert(BERT(layers: 4, hidden: 256, heads: 4))
    case .bertSmall: .bert(BERT(layers: 4, hidden: 512, heads: 8))
    case .bertMedium: .bert(BERT(layers: 8, hidden: 512, heads: 8))
    case .bertBase: .bert(BERT(layers: 12, hidden: 768, heads: 12))
    case .bertLarge: .bert(BERT(layers: 24, hidden: 1024, heads: 16))
    }
  }

  private func vgg(_ depth: VGG.Depth, isSmall: Bool) -> Family {
    .images { (b, sample, width, classes) throws(ArchitectureError) in
      try VGG(depth: depth, isSmall: isSmall, width: width).build(
        &b, sample: sample, classes: classes)
    }
  }

  private func resNet(
    _ network: ResNet, head: ResNet.Head = .classifier, isGated: Bool = false
  ) -> Family {
    .images { (b, sample, width, classes) throws(ArchitectureError) in
      var network = network
      (network.width, network.head, network.isGated) = (width, head, isGated)
      return try network.build(&b, sample: sample, classes: classes)
    }
  }

  private func mobileNetV1(isSmall: Bool) -> Family {
    .images { (b, sample, width, classes) throws(ArchitectureError) in
      try MobileNetV1(isSmall: isSmall, width: width).build(&b, sample: sample, classes: classes)
    }
  }

  private func mobileNetV2(isSmall: Bool) -> Family {
    .images { (b, sample, width, classes) throws(ArchitectureError) in
      try MobileNetV2(isSmall: isSmall, width: width).build(&b, sample: sample, classes: classes)
    }
  }

  private func fbNet(_ member: FBNetV3.Member, isSmall: Bool = false) -> Family {
    .images { (b, sample, width, classes) throws(ArchitectureError) in
      var network = FBNetV3(member)
      (network.width, network.isSmall) = (width, isSmall)
      return try network.build(&b, sample: sample, classes: classes)
    }
  }
}

extension BERT {
  /// This size with what settings say otherwise.
  func with(_ settings: ArchitectureSettings) throws(ArchitectureError) -> BERT {
    var copy = self
    copy.layers = settings.layers ?? layers
    copy.heads = settings.heads ?? heads
    copy.vocabulary = settings.vocabulary ?? vocabulary
    if let hidden = settings.hidden {
      guard hidden.count == 1 else {
        throw .setting(
          architecture: "bert", reason: "\(hidden.count) hidden widths, expected one")
      }
      copy.hidden = hidden[0]
    }
    if let shape = settings.inputShape {
      guard shape.count == 1 else {
        throw .inputShape(
          architecture: "bert", found: shape, expected: "one length, the number of tokens")
      }
      copy.tokens = shape[0]
    }
    return copy
  }
}
