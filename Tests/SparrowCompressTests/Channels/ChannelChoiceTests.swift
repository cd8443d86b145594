import SparrowCompress
import SparrowCore
import SparrowRuntime
import SparrowTestSupport
import Testing

struct ChannelChoiceTests {
  /// Two convolutions with a normalisation between them.
  private func network(seed: UInt64) throws -> Graph {
    var net = NetworkBuilder(seed: seed)
    let x = net.input([1, 3, 6, 6])
    let a = try net.batchNorm(net.convolution(x, 8, name: "a"), name: "bn")
    return try net.classifier(net.convolution(a, 12, name: "b"), 4)
  }

  private func values(_ graph: Graph, _ name: String) throws -> (shape: [Int], floats: [Float]) {
    let tensor = try #require(graph.values.first { $0.name == name }?.constant)
    return (tensor.shape, try #require(tensor.floats))
  }

  @Test(arguments: [UInt64(1), 2]) func normsAreThoseOfTheSlices(seed: UInt64) throws {
    let graph = try network(seed: seed)
    let groups = ChannelGroups(graph)
    let scores = ChannelScores(.l2, of: groups, in: graph)
    let (made, read) = (try values(graph, "a.weight"), try values(graph, "b.weight"))
    var expected = [Double](repeating: 0, count: 8)
    for (i, w) in made.floats.enumerated() { expected[i / 27] += Double(w * w) }
    for (i, w) in read.floats.enumerated() { expected[i / 9 % 8] += Double(w * w) }
    let mean = expected.reduce(0, +) / 8
    for (found, sum) in zip(scores.groups[0], expected) {
      #expect(abs(found - sum / mean) < 1e-6)
    }
    let gamma = try values(graph, "bn.scale").floats.map { Double(abs($0)) }
    let scales = ChannelScores(.batchNormScale, of: groups, in: graph).groups[0]
    let level = gamma.reduce(0, +) / 8
    for (found, value) in zip(scales, gamma) { #expect(abs(found - value / level) < 1e-6) }
  }

  @Test(arguments: [0.25, 0.5, 0.8]) func aTargetOfMultiplyAddsIsMet(part: Double) throws {
    var net = NetworkBuilder(seed: 5)
    let x = net.input([1, 3, 6, 6])
    let a = try net.batchNorm(net.convolution(x, 64, name: "a"), name: "bn")
    let graph = try net.classifier(net.convolution(a, 96, name: "b"), 4)
    let step = PruneStep(target: .multiplyAdds(.fraction(part)), pattern: "channels")
    let result = try Compression(Recipe(prune: step)).run(on: graph)
    func work(_ graph: Graph) -> Double {
      graph.multiplyAddsByWeight(inputShapes: nil).values.reduce(0) { $0 + Double($1) }
    }
    let outcome = try #require(result.targets.first)
    #expect(outcome.before == work(graph) && outcome.measured == work(result.graph))
    #expect(abs(work(result.graph) / work(graph) - part) < 0.02)
  }

  @Test func targetsOutOfReachAndOtherAllocationsAreErrors() throws {
    let graph = try network(seed: 6)
    let far = PruneStep(target: .multiplyAdds(.fraction(1e-4)), pattern: "channels")
    #expect(throws: CompressError.self) { try Compression(Recipe(prune: far)).run(on: graph) }
    let global = PruneStep(
      target: .multiplyAdds(.fraction(0.5)), allocation: "global", pattern: "channels")
    #expect(throws: CompressError.self) { try Compression(Recipe(prune: global)) }
  }

  @Test func taylorScoresAreSquaresOfSliceSums() throws {
    let graph = try network(seed: 3)
    let groups = ChannelGroups(graph)
    let (shape, weights) = try values(graph, "a.weight")
    var generator = SeededGenerator(seed: 4)
    let gradient = weights.map { _ in Float.random(in: -1...1, using: &generator) }
    let scores = ChannelScores(
      taylor: ["a.weight": Tensor(gradient, shape: shape)], of: groups, in: graph)
    var sums = [Double](repeating: 0, count: 8)
    for i in weights.indices { sums[i / 27] += Double(weights[i] * gradient[i]) }
    let squares = sums.map { $0 * $0 }
    let mean = squares.reduce(0, +) / 8
    for (found, square) in zip(scores.groups[0], squares) {
      #expect(abs(found - square / mean) < 1e-4)
    }
    #expect(scores.groups[1] == [Double](repeating: 1, count: 12))
  }

  @Test func uniformCutsTakeTheFractionOfEachGroup() throws {
    let graph = try network(seed: 1)
    let groups = ChannelGroups(graph)
    let scores = ChannelScores(groups: [[3, 1, 2, 8, 7, 6, 5, 4], Array(repeating: 1, count: 12)])
    let cut = try ChannelSelection().cut(groups, scores, fraction: 0.25)
    #expect(cut.removed == [[1, 2], [0, 1, 2]])
    let most = try ChannelSelection(minimum: 3).cut(groups, scores, fraction: 0.99)
    #expect(most.removed.map { $0.count } == [5, 9])
    let rounded = try ChannelSelection(multiple: 4).cut(groups, scores, fraction: 0.4)
    #expect(rounded.removed.map { $0.count } == [4, 4])
    let own = try ChannelSelection().cut(groups, scores, fraction: 0.25, fixed: [1: 0])
    #expect(own.removed == [[1, 2], []])
    #expect(throws: CompressError.self) {
      try ChannelSelection().cut(groups, scores, fraction: 1)
    }
  }

  @Test func globalCutsTakeTheLowestOfAll() throws {
    let graph = try network(seed: 1)
    let groups = ChannelGroups(graph)
    let scores = ChannelScores(
      groups: [[0.1, 2, 0.2, 3, 4, 5, 6, 7], (0..<12).map { 0.05 + Double($0) }])
    let cut = try ChannelSelection(.global).cut(groups, scores, fraction: 0.2)
    #expect(cut.removed == [[0, 2], [0, 1]])
  }

  @Test func cutsOfOtherGraphsAreRefused() throws {
    let graph = try network(seed: 1)
    let groups = ChannelGroups(graph)
    for removed in [[[0]], [[8], []], [Array(0..<8), []]] {
      #expect(throws: CompressError.self) {
        try graph.removingChannels(ChannelCut(removed: removed), of: groups)
      }
    }
  }
}
