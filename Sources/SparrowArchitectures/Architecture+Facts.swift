import SparrowCore

extension Architecture {
  /// What holds where settings do not say otherwise, and a line about the network.
  public struct Facts: Hashable, Sendable {
    /// The shape of one sample; empty where the length stays open (BERT).
    public var sample: [Int]
    public var classes: Int
    public var summary: String
    /// The name of the scores.
    public var output = "logits"
  }

  public var facts: Facts {
    switch self {
    case .mlp: Facts(sample: [784], classes: 10, summary: "linear layers with ReLU, 784-128-64-10")
    case .leNet300: digits("LeNet-300-100, linear layers, 267 k parameters")
    case .leNet5: digits("LeNet-5 as pruning measures it (Caffe's), 431 k parameters")
    case .vgg11: imageNet("VGG-11 with batch norm, 132.9 M parameters")
    case .vgg16: imageNet("VGG-16 with batch norm, 138.4 M parameters")
    case .vgg11Small: cifar("VGG-11 with batch norm and one linear layer, 9.2 M parameters")
    case .vgg16Small: cifar("VGG-16 with batch norm and one linear layer, 14.7 M parameters")
    case .resNet18: imageNet("ResNet-18, 11.7 M parameters")
    case .resNet50: imageNet("ResNet-50, 25.6 M parameters")
    case .resNet18Small: cifar("ResNet-18 for small images, 11.2 M parameters")
    case .resNet20: cifar("ResNet-20, 0.27 M parameters")
    case .resNet8Expanded: embedding("ResNet-8")
    case .resNet14Expanded: embedding("ResNet-14")
    case .resNet18Expanded: embedding("ResNet-18")
    case .resNet8Gated: embedding("ResNet-8 with channel gates")
    case .resNet14Gated: embedding("ResNet-14 with channel gates")
    case .resNet18Gated: embedding("ResNet-18 with channel gates")
    case .mobileNetV1: imageNet("MobileNetV1, 4.2 M parameters")
    case .mobileNetV2: imageNet("MobileNetV2, 3.5 M parameters")
    case .mobileNetV1Small: cifar("MobileNetV1 for small images, 3.2 M parameters")
    case .mobileNetV2Small: cifar("MobileNetV2 for small images, 2.2 M parameters")
    case .efficientNetLite0: imageNet("EfficientNet-Lite0, 4.7 M parameters")
    case .efficientNetLite1: imageNet("EfficientNet-Lite1, 5.4 M parameters", side: 240)
    case .efficientNetLite2: imageNet("EfficientNet-Lite2, 6.1 M parameters", side: 260)
    case .efficientNetLite3: imageNet("EfficientNet-Lite3, 8.2 M parameters", side: 280)
    case .efficientNetLite4: imageNet("EfficientNet-Lite4, 13.0 M parameters", side: 300)
    case .fbNetV3A: imageNet("FBNetV3-A, 8.5 M parameters, 357 M multiply-adds")
    case .fbNetV3B: imageNet("FBNetV3-B, A at 248x248", side: 248)
    case .fbNetV3C: imageNet("FBNetV3-C, 9.9 M parameters", side: 248)
    case .fbNetV3D: imageNet("FBNetV3-D, 10.2 M parameters", side: 248)
    case .fbNetV3E: imageNet("FBNetV3-E, 10.7 M parameters", side: 264)
    case .fbNetV3F: imageNet("FBNetV3-F, 13.8 M parameters", side: 272)
    case .fbNetV3G: imageNet("FBNetV3-G, 16.5 M parameters", side: 320)
    case .fbNetV3ASmall: cifar("in the style of FBNetV3-A, for small images")
    case .fbNetV3BSmall: cifar("in the style of FBNetV3-B, for small images")
    case .fbNetV3CSmall: cifar("in the style of FBNetV3-C, for small images")
    case .fbNetV3DSmall: cifar("in the style of FBNetV3-D, for small images")
    case .fbNetV3ESmall: cifar("in the style of FBNetV3-E, for small images")
    case .fbNetV3FSmall: cifar("in the style of FBNetV3-F, for small images")
    case .fbNetV3GSmall: cifar("in the style of FBNetV3-G, for small images")
    case .bertTiny: text("BERT, 2 layers of 128, 4.4 M parameters")
    case .bertMini: text("BERT, 4 layers of 256, 11.2 M parameters")
    case .bertSmall: text("BERT, 4 layers of 512, 28.8 M parameters")
    case .bertMedium: text("BERT, 8 layers of 512, 41.4 M parameters")
    case .bertBase: text("BERT, 12 layers of 768, 109.5 M parameters")
    case .bertLarge: text("BERT, 24 layers of 1024, 335.1 M parameters")
    }
  }

  private func digits(_ summary: String) -> Facts {
    Facts(sample: [1, 28, 28], classes: 10, summary: summary)
  }

  private func cifar(_ summary: String) -> Facts {
    Facts(sample: [3, 32, 32], classes: 10, summary: summary)
  }

  private func embedding(_ name: String) -> Facts {
    var facts = cifar("\(name) and VICReg's expander, for small images")
    (facts.classes, facts.output) = (256, "embedding")
    return facts
  }

  private func imageNet(_ summary: String, side: Int = 224) -> Facts {
    Facts(sample: [3, side, side], classes: 1000, summary: summary)
  }

  private func text(_ summary: String) -> Facts { Facts(sample: [], classes: 2, summary: summary) }
}
