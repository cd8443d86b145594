import SparrowCore

/// A network that can be built from nothing: what `sparrow new` knows.
public enum Architecture: String, CaseIterable, Hashable, Sendable {
  case mlp
  case leNet300 = "lenet-300-100"
  case leNet5 = "lenet5"
  case vgg11
  case vgg16
  case vgg11Small = "vgg11-cifar"
  case vgg16Small = "vgg16-cifar"
  case resNet18 = "resnet18"
  case resNet50 = "resnet50"
  case resNet18Small = "resnet18-cifar"
  case resNet20 = "resnet20"
  case resNet8Expanded = "resnet8-vicreg"
  case resNet14Expanded = "resnet14-vicreg"
  case resNet18Expanded = "resnet18-vicreg"
  case resNet8Gated = "resnet8-gated"
  case resNet14Gated = "resnet14-gated"
  case resNet18Gated = "resnet18-gated"
  case mobileNetV1 = "mobilenet-v1"
  case mobileNetV2 = "mobilenet-v2"
  case mobileNetV1Small = "mobilenet-v1-cifar"
  case mobileNetV2Small = "mobilenet-v2-cifar"
  case efficientNetLite0 = "efficientnet-lite0"
  case efficientNetLite1 = "efficientnet-lite1"
  case efficientNetLite2 = "efficientnet-lite2"
  case efficientNetLite3 = "efficientnet-lite3"
  case efficientNetLite4 = "efficientnet-lite4"
  case fbNetV3A = "fbnetv3-a"
  case fbNetV3B = "fbnetv3-b"
  case fbNetV3C = "fbnetv3-c"
  case fbNetV3D = "fbnetv3-d"
  case fbNetV3E = "fbnetv3-e"
  case fbNetV3F = "fbnetv3-f"
  case fbNetV3G = "fbnetv3-g"
  case fbNetV3ASmall = "fbnetv3-a-cifar"
  case fbNetV3BSmall = "fbnetv3-b-cifar"
  case fbNetV3CSmall = "fbnetv3-c-cifar"
  case fbNetV3DSmall = "fbnetv3-d-cifar"
  case fbNetV3ESmall = "fbnetv3-e-cifar"
  case fbNetV3FSmall = "fbnetv3-f-cifar"
  case fbNetV3GSmall = "fbnetv3-g-cifar"
  case bertTiny = "bert-tiny"
  case bertMini = "bert-mini"
  case bertSmall = "bert-small"
  case bertMedium = "bert-medium"
  case bertBase = "bert-base"
  case bertLarge = "bert-large"

  /// What `sparrow new` calls it.
  public var name: String { rawValue }

  /// The network as a graph: trainable constants named as in a PyTorch state dict, batch normalisation
  /// by itself, an open batch, scores without softmax as the output `logits` (of networks that learn
  /// without labels their embeddings, as `embedding`).
  ///
  /// Throws for settings that it does not have or that are out of range, and for samples that it does
  /// not take.
  public func graph(
    _ settings: ArchitectureSettings = ArchitectureSettings()
  ) throws(ArchitectureError) -> Graph {
    try check(settings)
    var b = NetworkBuilder(
      name, values: settings.drawsParameters ? .drawn(seed: settings.seed) : .unset)
    let classes = settings.classes ?? facts.classes
    let scores: ValueID
    switch family {
    case .bert(let size): scores = try size.with(settings).build(&b, classes: classes)
    case .mlp(let hidden):
      scores = try MLP.build(
        &b, sample: settings.inputShape ?? facts.sample,
        hidden: (settings.hidden ?? hidden).map {
          ChannelRounding.nearest($0, times: settings.width)
        }, classes: classes)
    case .images(let build):
      let sample = settings.inputShape ?? facts.sample
      try checkImage(sample)
      scores = try build(&b, sample, settings.width, classes)
    }
    return try b.finish(scores, as: facts.output)
  }

  private func check(_ settings: ArchitectureSettings) throws(ArchitectureError) {
    if let classes = settings.classes, !(1...1 << 24).contains(classes) {
      throw .setting(
        architecture: name, reason: "\(classes) classes, expected 1 to \(1 << 24)")
    }
    guard settings.width > 0, settings.width <= 64 else {
      throw .setting(
        architecture: name,
        reason: "a width of \(settings.width), expected a number above 0 and at most 64")
    }
    for width in settings.hidden ?? [] where !(1...1 << 24).contains(width) {
      throw .setting(
        architecture: name, reason: "a hidden width of \(width), expected 1 to \(1 << 24)")
    }
    for (setting, isGiven) in [
      ("a hidden width", settings.hidden != nil && !takes.hidden),
      ("a width", settings.width != 1 && !takes.width),
      ("a number of layers", settings.layers != nil && !takes.transformer),
      ("a number of heads", settings.heads != nil && !takes.transformer),
      ("a vocabulary", settings.vocabulary != nil && !takes.transformer),
    ] where isGiven {
      throw .setting(architecture: name, reason: "\(setting) is not one of its settings")
    }
  }

  private var takes: (width: Bool, hidden: Bool, transformer: Bool) {
    switch family {
    case .images: (true, false, false)
    case .mlp: (true, self == .mlp, false)
    case .bert: (false, true, true)
    }
  }

  private func checkImage(_ sample: [Int]) throws(ArchitectureError) {
    guard sample.count == 3, sample.allSatisfy({ (1...1 << 16).contains($0) }) else {
      throw .inputShape(
        architecture: name, found: sample,
        expected: "channels, height and width, such as "
          + facts.sample.map { "\($0)" }.joined(separator: ","))
    }
  }
}
