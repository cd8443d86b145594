import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowCompress

/// Inverse Fisher matrices against their definitions.
@Suite struct FisherTests {
  private let count = 24
  private let width = 18
  private let damping = 1e-3
  /// So that damping is what is added to the diagonal.
  private let unit = Tensor([1.0])

  private func gradients(seed: UInt64, count: Int) -> Tensor {
    var random = SeededGenerator(seed: seed)
    return Tensor(
      (0..<count * width).map { _ in Float.random(in: -1...1, using: &random) },
      shape: [count, width])
  }

  private func weights(seed: UInt64) -> Tensor {
    var random = SeededGenerator(seed: seed)
    return Tensor(
      (0..<width).map { _ in Float.random(in: -1...1, using: &random) }, shape: [width, 1])
  }

  private func layer(_ weight: Tensor) -> Layer {
    let use = WeightUse(value: ValueID(0), node: 0, kind: .linear, view: .inputsFirst(weight.shape))
    return Layer(name: "w", node: "n", use: use, weight: weight, isFirst: true, isLast: true)
  }

  /// WoodFisher as published, gradient by gradient.
  private func woodFisher(_ gradients: Tensor) -> Matrix {
    let (m, n) = (gradients.shape[0], gradients.shape[1])
    let all = gradients.doubles
    var inverse = Matrix(rows: n, columns: n)
    for i in 0..<n { inverse[i, i] = 1 / damping }
    for k in 0..<m {
      let g = Array(all[k * n..<(k + 1) * n])
      let v = (0..<n).map { i in (0..<n).reduce(0.0) { $0 + inverse[i, $1] * g[$1] } }
      let scale = Double(m) + zip(g, v).reduce(0) { $0 + $1.0 * $1.1 }
      for i in 0..<n { for j in 0..<n { inverse[i, j] -= v[i] * v[j] / scale } }
    }
    return inverse
  }

  /// lambda I + 1/m sum g g^T.
  private func fisher(_ gradients: Tensor) -> Matrix {
    let (m, n) = (gradients.shape[0], gradients.shape[1])
    let all = gradients.doubles
    var matrix = Matrix(rows: n, columns: n)
    for k in 0..<m {
      for i in 0..<n {
        for j in 0..<n { matrix[i, j] += all[k * n + i] * all[k * n + j] / Double(m) }
      }
    }
    for i in 0..<n { matrix[i, i] += damping }
    return matrix
  }

  /// By Gauss and Jordan.
  private func inverse(_ matrix: Matrix) -> Matrix {
    let n = matrix.rows
    var (a, b) = (matrix, Matrix(rows: n, columns: n))
    for i in 0..<n { b[i, i] = 1 }
    for p in 0..<n {
      let pivot = a[p, p]
      for j in 0..<n { (a[p, j], b[p, j]) = (a[p, j] / pivot, b[p, j] / pivot) }
      for i in 0..<n where i != p {
        let factor = a[i, p]
        for j in 0..<n {
          a[i, j] -= factor * a[p, j]
          b[i, j] -= factor * b[p, j]
        }
      }
    }
    return b
  }

  private func accumulated(_ gradients: Tensor, blockSize: Int) -> Tensor {
    let sums = FisherBlocksAccumulator(weightCount: width, blockSize: blockSize)
    for k in 0..<gradients.shape[0] {
      sums.add(gradients.samples(k..<k + 1))
    }
    return sums.mean()
  }

  /// More gradients than weights, and fewer.
  @Test(arguments: [24, 7]) func inversesAgree(count: Int) throws {
    try LinearAlgebra.load()
    let gradients = gradients(seed: 1, count: count)
    let matrix = fisher(gradients)
    let direct = inverse(matrix)
    #expect(relativeDifference(woodFisher(gradients).elements, direct.elements) < 1e-9)
    var outer = matrix
    for i in 0..<width { outer[i, i] -= damping }
    let block = FisherBlock(outer: outer, damping: damping)
    let diagonal = try #require(block.inverseDiagonal())
    #expect(relativeDifference(diagonal, direct.diagonal) < 1e-6)
    let lowRank = try #require(LowRankFisher(gradients, damping: damping).inverseDiagonal())
    #expect(relativeDifference(lowRank, direct.diagonal) < 1e-6)
  }

  /// M-FAC as published, for the product with a vector.
  @Test func lowRankFollowsTheRecursion() throws {
    try LinearAlgebra.load()
    let gradients = gradients(seed: 2, count: 9)
    let (m, n, all) = (9, width, gradients.doubles)
    var (h, d): ([[Double]], [Double]) = ([], [])
    for i in 0..<m {
      let g = Array(all[i * n..<(i + 1) * n])
      var next = g.map { $0 / damping }
      for j in 0..<i {
        let share = zip(h[j], g).reduce(0) { $0 + $1.0 * $1.1 } / d[j]
        for q in 0..<n { next[q] -= h[j][q] * share }
      }
      h.append(next)
      d.append(Double(m) + zip(g, next).reduce(0) { $0 + $1.0 * $1.1 })
    }
    let expected = (0..<n).map { q in
      (0..<m).reduce(1 / damping) { $0 - h[$1][q] * h[$1][q] / d[$1] }
    }
    let found = try #require(LowRankFisher(gradients, damping: damping).inverseDiagonal())
    #expect(relativeDifference(found, expected) < 1e-6)
  }

  /// Scores and updates of M-FAC, of block Fisher with one block, and by the inverse's own formulas.
  @Test(arguments: [UInt64(3), 4]) func oneBlockIsMFAC(seed: UInt64) throws {
    let gradients = gradients(seed: seed, count: count)
    let layer = layer(weights(seed: seed + 10))
    let (w, direct) = (layer.weight.doubles, inverse(fisher(gradients)))
    let mask = WeightMask(count: width) { $0 % 3 == 0 || $0 == 4 }
    let block = LayerStatistics([
      .fisherBlocks: accumulated(gradients, blockSize: 50), .fisherScale: unit,
    ])
    let rows = LayerStatistics([.gradients: gradients, .fisherScale: unit])
    let settings = GradientSettings(count: count, blockSize: 50)
    let criteria: [(any UpdatingCriterion, LayerStatistics)] = [
      (BlockFisherCriterion(gradientSettings: settings, damping: damping), block),
      (MFACCriterion(gradientSettings: settings, damping: damping), rows),
    ]
    // w - F^-1_SQ (F^-1_QQ)^-1 w_Q
    let dropped = (0..<width).filter { !mask[$0] }
    let inner = inverse(direct.submatrix(dropped))
    let force = dropped.indices.map { i in
      dropped.indices.reduce(0.0) { $0 + inner[i, $1] * w[dropped[$1]] }
    }
    let expected = (0..<width).map { i in
      mask[i] ? zip(dropped, force).reduce(w[i]) { $0 - direct[i, $1.0] * $1.1 } : 0
    }
    let saliencies = (0..<width).map { w[$0] * w[$0] / (2 * direct[$0, $0]) }
    for (criterion, statistics) in criteria {
      let scores = try criterion.scores(of: layer, statistics: statistics).doubles
      #expect(relativeDifference(scores, saliencies) < 1e-5, "\(criterion.name) seed \(seed)")
      let updated = try criterion.updated(layer, mask: mask, statistics: statistics)
      #expect(
        relativeDifference(updated.doubles, expected) < 1e-5, "\(criterion.name) seed \(seed)")
      #expect(dropped.allSatisfy { updated.doubles[$0] == 0 })
    }
  }

  /// Blocks see their own weights only; the last one is shorter.
  @Test func blocksAreIndependent() throws {
    let gradients = gradients(seed: 5, count: count)
    let layer = layer(weights(seed: 6))
    let size = 7
    let settings = GradientSettings(count: count, blockSize: size)
    let criterion = BlockFisherCriterion(gradientSettings: settings, damping: damping)
    let statistics = LayerStatistics([
      .fisherBlocks: accumulated(gradients, blockSize: size), .fisherScale: unit,
    ])
    let found = try criterion.scores(of: layer, statistics: statistics).doubles
    let (w, matrix) = (layer.weight.doubles, fisher(gradients))
    var expected: [Double] = []
    for first in stride(from: 0, to: width, by: size) {
      let range = Array(first..<min(width, first + size))
      let diagonal = inverse(matrix.submatrix(range)).diagonal
      for (i, q) in range.enumerated() { expected.append(w[q] * w[q] / (2 * diagonal[i])) }
    }
    #expect(relativeDifference(found, expected) < 1e-5)
    // Nothing dropped, nothing changed; everything dropped, nothing left.
    let whole = try criterion.updated(
      layer, mask: WeightMask(count: width) { _ in true }, statistics: statistics)
    #expect(whole == layer.weight)
    let none = try criterion.updated(
      layer, mask: WeightMask(count: width) { _ in false }, statistics: statistics)
    #expect(none.doubles.allSatisfy { $0 == 0 })
  }
}
