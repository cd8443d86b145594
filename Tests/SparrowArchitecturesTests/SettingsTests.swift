import SparrowCore
import Testing

@testable import SparrowArchitectures

/// Settings that cannot be: each with a message that names the network.
struct SettingsTests {
  static let refused: [(Architecture, ArchitectureSettings, String)] = [
    (.resNet18, .init(classes: 0), "0 classes"),
    (.resNet18, .init(inputShape: [3, 224]), "3,224"),
    (.resNet18, .init(inputShape: [0, 8, 8]), "0,8,8"),
    (.resNet18, .init(width: 0), "a width of 0"),
    (.resNet18, .init(width: .nan), "a width of nan"),
    (.resNet18, .init(width: 1e9), "a width of"),
    (.vgg16, .init(inputShape: [3, 32, 32]), "vgg16-cifar takes any"),
    (.leNet5, .init(inputShape: [1, 6, 6]), "give a larger input shape"),
    (.vgg16Small, .init(inputShape: [3, 70_000, 1]), "70000"),
    (.leNet300, hidden([3]), "a hidden width is not one of its settings"),
    (.mlp, hidden([0]), "a hidden width of 0"),
    (.mlp, hidden([1 << 24, 1 << 24]), "more than"),
    (.bertTiny, hidden([30]), "heads"), (.bertTiny, hidden([4, 4]), "2 hidden widths"),
    (.bertTiny, .init(inputShape: [600]), "600 tokens"),
    (.bertTiny, .init(inputShape: [3, 3]), "number of tokens"),
    (.bertTiny, .init(width: 2), "a width is not one of its settings"),
  ]

  static func hidden(_ widths: [Int]) -> ArchitectureSettings {
    var settings = ArchitectureSettings()
    if widths == [30] { settings.heads = 4 }
    settings.hidden = widths
    return settings
  }

  @Test(arguments: refused.indices)
  func isRefused(_ i: Int) {
    let (architecture, settings, fragment) = Self.refused[i]
    do {
      _ = try architecture.graph(settings)
      Issue.record("\(architecture.name) was built, expected '\(fragment)'")
    } catch {
      #expect(error.message.contains(fragment), "\(error.message)")
    }
  }

  @Test func namesAreDistinctAndDescribed() {
    #expect(Set(Architecture.allCases.map { $0.name }).count == Architecture.allCases.count)
    #expect(Architecture.allCases.allSatisfy { !$0.facts.summary.isEmpty })
  }

  static let roundings: [(Double, Int)] = [
    (16, 16), (17, 16), (20, 24), (1, 8), (11, 16), (44.8, 48),
  ]

  @Test(arguments: roundings)
  func channelsAreDivisible(_ channels: Double, _ expected: Int) {
    #expect(ChannelRounding.divisible(channels) == expected)
  }

  @Test func absurdChannelsStayFarFromOverflow() {
    #expect((1...(1 << 32)).contains(ChannelRounding.divisible(1e300)))
    #expect((1...(1 << 32)).contains(ChannelRounding.nearest(1 << 40, times: 1e30)))
  }
}
