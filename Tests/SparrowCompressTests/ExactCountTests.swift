import SparrowCompress
import SparrowCore
import SparrowTestSupport
import Testing

/// How many weights go, for random networks.
struct ExactCountTests {
  static let seeds: [UInt64] = [1, 2, 3, 4, 5, 6]
  static let sparsities = [0, 0.1, 0.5, 0.77, 0.9, 0.99]

  private func roundedDrop(_ sparsity: Double, _ count: Int) -> Int {
    Int((sparsity * Double(count)).rounded(.toNearestOrAwayFromZero))
  }

  private func maskedCount(_ before: [Float], _ after: [Float]) -> Int {
    zip(before, after).reduce(0) { $0 + ($1.0 != 0 && $1.1 == 0 ? 1 : 0) }
  }

  /// Zeros in `after`, or what `expected` allows where the network had more zeros already.
  private func zeros(_ values: [Float]) -> Int { values.reduce(0) { $0 + ($1 == 0 ? 1 : 0) } }

  @Test(arguments: seeds, sparsities)
  func uniformIsExactInEveryLayer(seed: UInt64, sparsity: Double) throws {
    let graph = try randomNetwork(seed: seed)
    let step = PruneStep(sparsity: sparsity, allocation: "uniform", excludeKinds: [])
    let result = try Compression(Recipe(prune: step)).run(on: graph).graph
    for name in graph.weightNames {
      let (before, after) = (graph.floats(name), result.floats(name))
      let expected = max(zeros(before), roundedDrop(sparsity, before.count))
      #expect(zeros(after) == expected, "\(name), seed \(seed)")
      #expect(zip(before, after).allSatisfy { $1 == 0 || $0 == $1 })
    }
  }

  @Test(arguments: seeds, ["global", "lamp", "erk", "uniform+"])
  func totalIsExact(seed: UInt64, allocation: String) throws {
    var generator = SeededGenerator(seed: seed)
    let graph = try syntheticNetwork([
      .convolution(outputs: 8, inputs: 3, kernel: 3),
      .convolution(outputs: 31, inputs: 17, kernel: 1),
      .matMul(inputs: 40, outputs: 23), .gemm(outputs: 10, inputs: 23),
    ]) { _, shape in
      // No zeros and no ties, so that zeros in the result are what was dropped.
      let values = (1...shape.elementCount).map {
        Float($0) + .random(in: 0..<0.5, using: &generator)
      }
      return Tensor(values.shuffled(using: &generator), shape: shape)
    }
    let total = graph.weightNames.reduce(0) { $0 + graph.floats($1).count }
    for sparsity in [0.0, 0.3, 0.5, 0.8, 0.85] {
      let step = PruneStep(sparsity: sparsity, allocation: allocation)
      let result = try Compression(Recipe(prune: step)).run(on: graph).graph
      let dropped = result.weightNames.reduce(0) { $0 + zeros(result.floats($1)) }
      #expect(dropped == roundedDrop(sparsity, total), "\(allocation), seed \(seed)")
    }
  }

  @Test(arguments: seeds, ["1x4", "4x1", "4x4", "2x3", "16x16"])
  func blocksGoWholeToTheNearestUnit(seed: UInt64, pattern: String) throws {
    let graph = try randomNetwork(seed: seed)
    let shape = try #require(try Choices.pattern(pattern).blockShape)
    for sparsity in Self.sparsities {
      let step = PruneStep(
        sparsity: sparsity, allocation: "uniform", pattern: pattern, excludeKinds: [])
      let result = try Compression(Recipe(prune: step)).run(on: graph).graph
      for use in graph.weights() {
        let name = graph[use.value].name
        let (before, after) = (graph.floats(name), result.floats(name))
        let target = roundedDrop(sparsity, before.count)
        var dropped = 0
        for block in referenceBlocks(use.view, shape) {
          let isDropped = block.allSatisfy { after[$0] == 0 }
          if isDropped { dropped += block.count }
          // Blocks that were zero before may count as kept ones.
          #expect(isDropped || block.allSatisfy { after[$0] == before[$0] })
        }
        let largest = shape.outputs * shape.inputs
        let zeroBlocks = referenceBlocks(use.view, shape)
          .filter { $0.allSatisfy { before[$0] == 0 } }.reduce(0) { $0 + $1.count }
        #expect(2 * abs(dropped - target) <= largest || dropped == zeroBlocks, "\(name) \(pattern)")
      }
    }
  }

  @Test(arguments: seeds, ["2:4", "1:4", "3:8", "1:2", "7:16"])
  func everyGroupKeepsN(seed: UInt64, pattern: String) throws {
    let graph = try randomNetwork(seed: seed)
    let parts = pattern.split(separator: ":").compactMap { Int($0) }
    let (n, m) = (parts[0], parts[1])
    let step = PruneStep(pattern: pattern, excludeKinds: [])
    let result = try Compression(Recipe(prune: step)).run(on: graph).graph
    for use in graph.weights() {
      let name = graph[use.value].name
      let (before, after) = (graph.floats(name), result.floats(name))
      let view = use.view
      for output in 0..<view.outputs {
        for position in 0..<view.positions {
          for first in stride(from: 0, to: view.inputs, by: m) {
            let group = (first..<min(view.inputs, first + m)).map {
              view.element(output: output, input: $0, position: position)
            }
            let expected = referenceKept(group.map { before[$0] }, n)
            for (element, keeps) in zip(group, expected) {
              #expect(after[element] == (keeps ? before[element] : 0), "\(name) \(pattern)")
            }
          }
        }
      }
    }
  }
}

/// Each block's elements, in the order of blocks.
func referenceBlocks(_ view: WeightView, _ shape: BlockShape) -> [[Int]] {
  var result: [[Int]] = []
  for output in stride(from: 0, to: view.outputs, by: shape.outputs) {
    for input in stride(from: 0, to: view.inputs, by: shape.inputs) {
      for position in 0..<view.positions {
        var block: [Int] = []
        for o in output..<min(view.outputs, output + shape.outputs) {
          for i in input..<min(view.inputs, input + shape.inputs) {
            block.append(view.element(output: o, input: i, position: position))
          }
        }
        result.append(block)
      }
    }
  }
  return result
}

/// Which `n` of a group are kept: sorted by magnitude, of equals the later ones.
func referenceKept(_ values: [Float], _ n: Int) -> [Bool] {
  let order = values.indices.sorted { (abs(values[$0]), $0) < (abs(values[$1]), $1) }
  let kept = Set(order.suffix(n))
  return values.indices.map { kept.contains($0) }
}
