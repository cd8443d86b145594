import Foundation
import Sparrow
import SparrowTestSupport
import Testing

/// Cut networks against masked ones, on samples of real data.
struct ChannelModelTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var model: String
    var data: String
    var keys: Dataset.Keys?
    var preprocess: String?
    /// Numbers of groups and of all channels.
    var groups: Int
    var channels: Int
    var testDescription: String { model }

    func path(_ folder: String, _ name: String) -> String? {
      name.hasPrefix("digits")
        ? Repository.fixture(name) : Repository.shared("\(folder)/\(name)")
    }

    var isAvailable: Bool { path("models", model) != nil && path("data", data) != nil }
  }

  static let cases = [
    Case(
      model: "digits-cnn.onnx", data: "digits.npz", keys: nil, preprocess: nil, groups: 2,
      channels: 96),
    Case(
      model: "resnet20-cifar10.onnx", data: "cifar10-subset.npz",
      keys: Dataset.Keys(samples: "x_test", labels: "y_test"), preprocess: "cifar", groups: 12,
      channels: 448),
    Case(
      model: "efficientnet-lite0.onnx", data: "imagenet-sample-300.npz", keys: nil,
      preprocess: "lite", groups: 24, channels: 11_024),
  ]

  static var available: [Case] { cases.filter { $0.isAvailable } }

  /// Sums are taken in another order once channels are gone.
  private static let relativeTolerance: Float = 2e-5

  @Test(arguments: available) func cutNetworkEqualsMaskedOne(_ network: Case) throws {
    let model = try Model.load(path: try #require(network.path("models", network.model)))
    let data = try Dataset(
      path: try #require(network.path("data", network.data)), keys: network.keys)
    let preprocessing = try network.preprocess.map { try Preprocessing($0) } ?? Preprocessing()
    let source = try SampleSource(data, for: model, preprocessing: preprocessing)
    let groups = ChannelGroups(model.graph)
    #expect(groups.groups.count == network.groups)
    #expect(groups.channelCount == network.channels)
    let scores = ChannelScores(.l2, of: groups, in: model.graph)
    let cut = try ChannelSelection().cut(groups, scores, fraction: 0.3)
    let masked = try model.graph.maskingChannels(cut, of: groups)
    let smaller = try model.graph.removingChannels(cut, of: groups)
    let inputs = source.batch(0..<2)
    let expected = try Session(masked).run(inputs)[0].floats ?? []
    let found = try Session(smaller).run(inputs)[0].floats ?? []
    let largest = expected.map { abs($0) }.max() ?? 0
    let difference = zip(expected, found).map { abs($0 - $1) }.max() ?? .infinity
    #expect(found.count == expected.count)
    #expect(difference < Self.relativeTolerance * largest)
    try TemporaryFolder.use { folder in
      let path = folder + "/cut.onnx"
      try Model(graph: smaller, path: path).save(to: path)
      let loaded = try Session(Model.load(path: path).graph).run(inputs)[0].floats ?? []
      let change = zip(found, loaded).map { abs($0 - $1) }.max() ?? .infinity
      #expect(change < Self.relativeTolerance * largest)
    }
  }
}
