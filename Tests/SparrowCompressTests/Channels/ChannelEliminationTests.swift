import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowCompress

struct ChannelEliminationTests {
  /// Of losses relative to the largest.
  private static let tolerance = 1e-9

  private static func random(
    _ rows: Int, _ columns: Int, _ generator: inout SeededGenerator
  ) -> Matrix {
    Matrix(
      rows: rows, columns: columns,
      elements: (0..<rows * columns).map { _ in Double.random(in: -1...1, using: &generator) })
  }

  /// X X^T of random, correlated inputs.
  private static func products(_ n: Int, _ generator: inout SeededGenerator) -> Matrix {
    let x = random(n, 3 * n, &generator)
    var h = Matrix(rows: n, columns: n)
    for i in 0..<n {
      for j in 0..<n {
        h[i, j] = zip(x.row(i), x.row(j)).reduce(0) { $0 + $1.0 * $1.1 } + (i == j ? 0.1 : 0)
      }
    }
    return h
  }

  /// The least squared error of W x over weights that are 0 at `dropped`, by its definition:
  /// tr(W_D (H_DD - H_DK H_KK^-1 H_KD) W_D^T).
  private static func loss(_ w: Matrix, _ h: Matrix, dropping dropped: [Int]) -> Double {
    let kept = (0..<h.rows).filter { !dropped.contains($0) }
    var sum = 0.0
    for row in 0..<w.rows {
      // What the dropped inputs added, and its best replacement by the kept ones.
      let target = kept.map { k in dropped.reduce(0.0) { $0 + w[row, $1] * h[$1, k] } }
      let replacement = solve(kept.map { k in kept.map { h[k, $0] } }, target)
      for d in dropped {
        for e in dropped { sum += w[row, d] * h[d, e] * w[row, e] }
      }
      sum -= zip(target, replacement).reduce(0) { $0 + $1.0 * $1.1 }
    }
    return sum
  }

  /// Gaussian elimination with pivots.
  private static func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
    var rows = zip(matrix, right).map { $0 + [$1] }
    let n = rows.count
    for i in 0..<n {
      let pivot = (i..<n).max { abs(rows[$0][i]) < abs(rows[$1][i]) } ?? i
      rows.swapAt(i, pivot)
      for j in 0..<n where j != i {
        let factor = rows[j][i] / rows[i][i]
        for k in i...n { rows[j][k] -= factor * rows[i][k] }
      }
    }
    return (0..<n).map { rows[$0][n] / rows[$0][$0] }
  }

  /// Two readers of five channels, of 3 and 2 columns each: every loss is that of the best repair, and
  /// each step takes the channel that adds least.
  @Test(arguments: 1...5) func lossesAreThoseOfTheBestRepair(seed: Int) throws {
    try LinearAlgebra.load()
    var generator = SeededGenerator(seed: UInt64(seed))
    let widths = [3, 2]
    var problems: [(w: Matrix, h: Matrix, columns: [[Int]], scale: Double)] = []
    for (i, width) in widths.enumerated() {
      let n = 5 * width
      let columns = (0..<5).map { c in (0..<width).map { $0 * 5 + c } }
      problems.append(
        (
          Self.random(4, n, &generator), Self.products(n, &generator), columns,
          1 / Double(i + 1)
        ))
    }
    func best(_ channels: [Int]) -> Double {
      problems.reduce(0) { sum, p in
        sum + p.scale * Self.loss(p.w, p.h, dropping: channels.flatMap { p.columns[$0] })
      }
    }
    let readers = problems.compactMap {
      ChannelElimination.Reader(
        weights: $0.w, hessian: $0.h, columns: $0.columns, scale: $0.scale)
    }
    #expect(readers.count == 2)
    var elimination = ChannelElimination(readers, channels: 5)
    let whole = best(Array(0..<4))
    for channel in 0..<5 {
      #expect(abs(elimination.loss(of: channel) - best([channel])) < Self.tolerance * whole)
    }
    let scores = elimination.scores(removing: 3)
    let order = (0..<5).sorted { scores[$0] < scores[$1] }
    var gone: [Int] = []
    for channel in order.prefix(3) {
      let left = (0..<5).filter { !gone.contains($0) }
      let added = left.map { best(gone + [$0]) - best(gone) }
      #expect(
        abs((added.min() ?? 0) - (best(gone + [channel]) - best(gone))) < Self.tolerance * whole)
      gone.append(channel)
    }
    for channel in order.suffix(2) {
      let left = best(gone + [channel]) - best(gone)
      #expect(abs(elimination.loss(of: channel) - left) < Self.tolerance * whole)
    }
  }
}
