import SparrowCompress
import SparrowCore
import SparrowTestSupport
import Testing

/// Which weights go, against sorting everything.
struct SelectionTests {
  /// One weight of a network: its layer, its element, its score.
  private struct Candidate {
    var layer: Int
    var element: Int
    var score: Double
  }

  /// Drops the `count` lowest candidates: by score, then layer, then `order` within it.
  private func referenceDrops(_ candidates: [Candidate], _ count: Int) -> Set<[Int]> {
    let sorted = candidates.enumerated().sorted {
      ($0.element.score, $0.element.layer, $0.offset)
        < ($1.element.score, $1.element.layer, $1.offset)
    }
    return Set(sorted.prefix(count).map { [$0.element.layer, $0.element.element] })
  }

  private func expectDropped(
    _ graph: Graph, _ result: Graph, _ dropped: Set<[Int]>, _ comment: String
  ) {
    for (layer, name) in graph.weightNames.enumerated() {
      let (before, after) = (graph.floats(name), result.floats(name))
      for i in before.indices {
        let expected = dropped.contains([layer, i]) ? 0 : before[i]
        #expect(after[i] == expected, "\(comment): \(name)[\(i)]")
      }
    }
  }

  @Test(arguments: ExactCountTests.seeds, [0.2, 0.5, 0.9])
  func globalIsOneThreshold(seed: UInt64, sparsity: Double) throws {
    let graph = try randomNetwork(seed: seed)
    var candidates: [Candidate] = []
    for (layer, name) in graph.weightNames.enumerated() {
      for (i, w) in graph.floats(name).enumerated() {
        candidates.append(Candidate(layer: layer, element: i, score: Double(abs(w))))
      }
    }
    let step = PruneStep(sparsity: sparsity, allocation: "global", excludeKinds: [])
    let result = try Compression(Recipe(prune: step)).run(on: graph).graph
    let count = Int((sparsity * Double(candidates.count)).rounded())
    expectDropped(graph, result, referenceDrops(candidates, count), "seed \(seed)")
  }

  @Test(arguments: ExactCountTests.seeds, [0.2, 0.5, 0.9])
  func lampRanksByRemainingEnergy(seed: UInt64, sparsity: Double) throws {
    let graph = try randomNetwork(seed: seed)
    var candidates: [Candidate] = []
    for (layer, name) in graph.weightNames.enumerated() {
      let weights = graph.floats(name)
      let order = weights.indices.sorted { (abs(weights[$0]), $0) < (abs(weights[$1]), $1) }
      for (rank, i) in order.enumerated() {
        let square = Double(weights[i]) * Double(weights[i])
        let rest = order[rank...].reversed().reduce(0.0) {
          $0 + Double(weights[$1]) * Double(weights[$1])
        }
        let score = square == 0 ? 0 : Double(Float(square / rest))
        candidates.append(Candidate(layer: layer, element: i, score: score))
      }
    }
    let step = PruneStep(sparsity: sparsity, allocation: "lamp", excludeKinds: [])
    let result = try Compression(Recipe(prune: step)).run(on: graph).graph
    let count = Int((sparsity * Double(candidates.count)).rounded())
    expectDropped(graph, result, referenceDrops(candidates, count), "seed \(seed)")
  }

  /// Whole-number weights, so that sums do not depend on their order.
  @Test(arguments: ["1x4", "4x1", "2x2"], ["global", "uniform"])
  func blocksGoByMeanMagnitude(pattern: String, allocation: String) throws {
    var generator = SeededGenerator(seed: 5)
    let graph = try syntheticNetwork([
      .convolution(outputs: 8, inputs: 12, kernel: 3), .matMul(inputs: 16, outputs: 20),
      .gemm(outputs: 12, inputs: 8),
    ]) { _, shape in
      let values = (0..<shape.elementCount).map { _ in
        Float(Int.random(in: -50...50, using: &generator))
      }
      return Tensor(values, shape: shape)
    }
    let shape = try #require(try Choices.pattern(pattern).blockShape)
    let step = PruneStep(sparsity: 0.75, allocation: allocation, pattern: pattern)
    let result = try Compression(Recipe(prune: step)).run(on: graph).graph

    var blocks: [(layer: Int, elements: [Int], score: Float)] = []
    for (layer, use) in graph.weights().enumerated() {
      let weights = graph.floats(graph[use.value].name)
      for block in referenceBlocks(use.view, shape) {
        let sum = block.reduce(Float(0)) { $0 + abs(weights[$1]) }
        blocks.append((layer, block, sum))
      }
    }
    var dropped = Set<[Int]>()
    let groups = allocation == "global" ? [[0, 1, 2]] : [[0], [1], [2]]
    for layers in groups {
      let own = blocks.enumerated().filter { layers.contains($0.element.layer) }
        .sorted { ($0.element.score, $0.offset) < ($1.element.score, $1.offset) }
      for (_, block) in own.prefix(own.count * 3 / 4) {
        for i in block.elements { dropped.insert([block.layer, i]) }
      }
    }
    expectDropped(graph, result, dropped, "\(pattern) \(allocation)")
  }

  @Test(arguments: ["uniform", "global", "erk", "lamp"])
  func equalWeightsGoInOrder(allocation: String) throws {
    let graph = try syntheticNetwork([.gemm(outputs: 4, inputs: 10)]) { _, shape in
      Tensor([Float](repeating: 0.5, count: shape.elementCount), shape: shape)
    }
    let step = PruneStep(sparsity: 0.375, allocation: allocation)
    let result = try Compression(Recipe(prune: step)).run(on: graph).graph
    let expected = [Float](repeating: 0, count: 15) + [Float](repeating: 0.5, count: 25)
    #expect(result.floats("w0") == expected)
  }

  @Test(arguments: ["uniform", "global", "erk", "lamp"], ["unstructured", "1x4"])
  func higherSparsityDropsASuperset(allocation: String, pattern: String) throws {
    let graph = try randomNetwork(seed: 11)
    var previous = graph
    for sparsity in [0.1, 0.3, 0.5, 0.7, 0.9, 0.95] {
      let step = PruneStep(sparsity: sparsity, allocation: allocation, pattern: pattern)
      let result = try Compression(Recipe(prune: step)).run(on: graph).graph
      for name in graph.weightNames {
        let pairs = zip(previous.floats(name), result.floats(name))
        #expect(pairs.allSatisfy { $0 != 0 || $1 == 0 }, "\(name) at \(sparsity)")
      }
      previous = result
    }
  }

  /// Bytes at an odd address, as a mapped file may have them, and every class of float.
  @Test func unalignedBytesAndSpecialValues() throws {
    let values: [Float] = [
      .nan, .infinity, -.infinity, 0, -0.0, .leastNonzeroMagnitude, -1, 1, 2, -3,
      .greatestFiniteMagnitude, 1e-20,
    ]
    let shifted = Bytes(count: values.count * 4 + 1) { target in
      values.withUnsafeBytes { source in
        for i in source.indices { target[i + 1] = source[i] }
      }
    }
    let tensor = Tensor(dtype: .float32, shape: [3, 4], bytes: shifted.slice(1, values.count * 4))
    let graph = try syntheticNetwork([.gemm(outputs: 3, inputs: 4)]) { _, _ in tensor }
    let step = PruneStep(sparsity: 0.5, allocation: "uniform")
    let result = try Compression(Recipe(prune: step)).run(on: graph).graph.floats("w0")
    // Dropped: 0, -0, the two tiny ones, and -1 and 1.
    #expect(
      result.map { $0 == 0 } == [
        false, false, false, true, true, true, true, true, false, false, false, true,
      ])
    #expect(result[0].isNaN)
  }
}

/// Sizes beyond what small networks reach: several buckets, pieces and histogram spans.
struct LargeSelectionTests {
  @Test(arguments: ["global", "lamp"])
  func manyWeights(allocation: String) throws {
    var generator = SeededGenerator(seed: 9)
    let count = (1 << 19) + 8 * 1001
    let graph = try syntheticNetwork([.gemm(outputs: 8, inputs: count / 8)]) { _, shape in
      Tensor(of: Float.self, shape: shape) { target in
        // A narrow range puts most keys into few buckets, exact repeats make ties.
        for i in target.indices {
          let bits = generator.next()
          target[i] = Float(Int32(truncatingIfNeeded: bits) >> 14) / 131_072
        }
      }
    }
    let step = PruneStep(sparsity: 0.9, allocation: allocation)
    let result = try Compression(Recipe(prune: step)).run(on: graph).graph
    let (before, after) = (graph.floats("w0"), result.floats("w0"))
    let dropped = Int((0.9 * Double(count)).rounded())
    // One layer: both allocations drop the lowest magnitudes.
    let order = before.map { abs($0) }.sorted()
    let threshold = order[dropped]
    let zeros = after.reduce(0) { $0 + ($1 == 0 ? 1 : 0) }
    #expect(zeros == dropped)
    #expect(zip(before, after).allSatisfy { $1 == $0 || ($1 == 0 && abs($0) <= threshold) })
  }
}
