import SparrowCore
import Testing

@testable import SparrowArchitectures

/// Parameters and multiply-adds as they are published: torchvision's and timm's documentation, the
/// model definitions of FBNetV3, papers.
struct PublishedFigureTests {
  /// Trainable parameters: running statistics of batch norm are not counted.
  static let parameters: [(Architecture, Int)] = [
    (.leNet300, 266_610), (.leNet5, 431_080), (.vgg11Small, 9_231_114), (.vgg16Small, 14_728_266),
    (.resNet18, 11_689_512), (.resNet50, 25_557_032), (.resNet18Small, 11_173_962),
    (.resNet20, 272_474), (.mobileNetV1, 4_231_976), (.mobileNetV2, 3_504_872),
    (.efficientNetLite0, 4_652_008), (.efficientNetLite1, 5_416_680),
    (.efficientNetLite2, 6_092_072), (.efficientNetLite3, 8_197_096),
    (.efficientNetLite4, 13_006_568), (.vgg11, 132_868_840), (.vgg16, 138_365_992),
  ]

  @Test(arguments: parameters)
  func parameterCount(_ architecture: Architecture, _ expected: Int) throws {
    var settings = ArchitectureSettings()
    settings.drawsParameters = false
    let graph = try architecture.graph(settings)
    #expect(Self.trainable(graph) == expected)
  }

  /// Weights, and millions of multiply-adds, as the published model files say; their multiply-adds have
  /// the gates' products too, a few thousandths more.
  static let family: [(Architecture, weights: Int, millions: Double)] = [
    (.fbNetV3A, 8_542_224, 356.598), (.fbNetV3B, 8_542_224, 461.550),
    (.fbNetV3C, 9_907_136, 556.970), (.fbNetV3D, 10_237_552, 644.420),
    (.fbNetV3E, 10_699_464, 762.046), (.fbNetV3F, 13_803_072, 1181.645),
    (.fbNetV3G, 16_513_648, 2129.656),
  ]

  @Test(arguments: family)
  func fbNetV3(_ architecture: Architecture, weights: Int, millions: Double) throws {
    let graph = try Self.oneImage(architecture)
    #expect(graph.weights().reduce(0) { $0 + $1.view.count } == weights)
    let found = try Self.millionMultiplyAdds(graph)
    #expect((0...0.004).contains((millions - found) / millions), "\(found), published \(millions)")
  }

  /// Without the classifier, which the published figures leave out.
  static let encoders: [(Architecture, Int)] = [
    (.bertTiny, 4_385_920), (.bertMini, 11_170_560), (.bertSmall, 28_763_648),
    (.bertMedium, 41_373_184), (.bertBase, 109_482_240),
  ]

  @Test(arguments: encoders)
  func encoderParameterCount(_ architecture: Architecture, _ expected: Int) throws {
    var settings = ArchitectureSettings(classes: 2)
    settings.drawsParameters = false
    let graph = try architecture.graph(settings)
    let classifier = graph.values.filter { $0.name.hasPrefix("classifier.") }
      .reduce(0) { $0 + ($1.constant?.count ?? 0) }
    #expect(Self.trainable(graph) - classifier == expected)
  }

  /// In millions, of one image, as far as the source gives digits.
  static let multiplyAdds: [(Architecture, Double, tolerance: Double)] = [
    (.resNet18, 1814.07, 0.01), (.resNet50, 4089.2, 0.1), (.mobileNetV1, 569, 1),
    (.mobileNetV2, 300.8, 0.1), (.vgg16, 15_470, 10), (.resNet20, 41.2, 0.6),
  ]

  @Test(arguments: multiplyAdds)
  func multiplyAddCount(_ architecture: Architecture, _ millions: Double, tolerance: Double) throws
  {
    let found = try Self.millionMultiplyAdds(try Self.oneImage(architecture))
    #expect(abs(found - millions) <= tolerance, "\(found) M, published \(millions) M")
  }

  private static func oneImage(_ architecture: Architecture) throws -> Graph {
    var settings = ArchitectureSettings()
    settings.drawsParameters = false
    var graph = try architecture.graph(settings)
    for id in graph.inputs {
      guard let shape = graph[id].type?.dimensions else { continue }
      graph[id].type = TensorType(.float32, [.known(1)] + shape.dropFirst())
    }
    try graph.inferTypes()
    return graph
  }

  private static func millionMultiplyAdds(_ graph: Graph) throws -> Double {
    var total = 0
    for use in graph.weights() { total += try #require(graph.multiplyAdds(of: use)) }
    return Double(total) / 1e6
  }

  /// Elements of parameters, without running statistics and operators' own constants.
  static func trainable(_ graph: Graph) -> Int {
    graph.values.reduce(0) { total, value in
      guard let constant = value.constant, constant.dtype == .float32, constant.rank > 0,
        !value.name.hasSuffix(".running_mean"), !value.name.hasSuffix(".running_var")
      else { return total }
      return total + constant.count
    }
  }
}
