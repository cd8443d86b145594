import SparrowCompress
import SparrowCore
import Testing

/// The figures that DepGraph publishes for ResNet-18 (arXiv 2301.12900 and its documentation).
struct ResNet18ChannelTests {
  @Test func firstGroupHasSixteenEntries() throws {
    let graph = try NetworkBuilder.resNet18()
    let groups = ChannelGroups(graph).groups
    let first = try #require(groups.first)
    #expect(first.name == "conv1")
    #expect(first.count == 64)
    let expected: Set = [
      "conv1 makes", "bn1 passes", "relu passes", "maxpool passes", "layer1.0.add passes",
      "layer1.0.bn2 passes", "layer1.0.conv2 makes", "layer1.0.relu2 passes",
      "layer1.1.conv1 reads", "layer1.1.add passes", "layer1.1.bn2 passes",
      "layer1.1.conv2 makes", "layer1.1.relu2 passes", "layer2.0.downsample.0 reads",
      "layer2.0.conv1 reads", "layer1.0.conv1 reads",
    ]
    #expect(first.entries.count == 16)
    #expect(Set(first.entries.map { text($0, graph) }) == expected)
  }

  /// Four stages and the inner channels of eight blocks.
  @Test func groupsAreStagesAndBlocks() throws {
    let groups = ChannelGroups(try NetworkBuilder.resNet18()).groups
    #expect(groups.count == 12)
    #expect(groups.allSatisfy { $0.kind == .channels })
    #expect(
      groups.map { $0.count }.sorted() == [64, 64, 64, 128, 128, 128, 256, 256, 256, 512, 512, 512])
  }

  @Test func halfTheChannelsLeaveDepGraphsFigures() throws {
    let graph = try NetworkBuilder.resNet18()
    #expect(Self.operations(graph) == 1_822_177_768)
    #expect(Self.parameters(graph) == 11_689_512)
    let groups = ChannelGroups(graph)
    let cut = try graph.removingChannels(randomCut(groups, 0.5, seed: 1), of: groups)
    #expect(abs(Double(Self.operations(cut)) / 1e9 - 0.4872) < 5e-5)
    #expect(abs(Double(Self.parameters(cut)) / 1e6 - 3.056) < 5e-4)
  }

  /// Multiply-adds as DepGraph counts them: with biases, two for each element that is normalised,
  /// and one for each that an activation or pooling reads.
  static func operations(_ graph: Graph) -> Int {
    let weights = graph.weights().reduce(0) { $0 + (graph.multiplyAdds(of: $1) ?? 0) }
    return graph.nodes.reduce(weights) { sum, node in
      let read = node.input(0).flatMap { graph[$0].type?.shape?.elementCount } ?? 0
      switch node.op {
      case .batchNormalization: return sum + 2 * read
      case .unary, .pool, .globalPool: return sum + read
      case .gemm: return sum + (node.input(2).flatMap { graph[$0].constant?.count } ?? 0)
      default: return sum
      }
    }
  }

  /// What training learns: all constants but the running statistics.
  static func parameters(_ graph: Graph) -> Int {
    let statistics = graph.nodes.reduce(0) { sum, node in
      guard case .batchNormalization = node.op else { return sum }
      return sum
        + (3...4).reduce(0) { $0 + (node.input($1).flatMap { graph[$0].constant?.count } ?? 0) }
    }
    return graph.values.reduce(-statistics) { $0 + ($1.constant?.count ?? 0) }
  }

  @Test func cutNetworkEqualsMaskedOne() throws {
    let graph = try NetworkBuilder.resNet18(size: 64, classes: 10)
    try expectCutEqualsMasked(graph, fraction: 0.5, seed: 5)
  }
}
