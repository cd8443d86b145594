import SparrowPasses
import SparrowTestSupport
import Testing

@testable import SparrowCompress

/// The solvers against slow definitions of themselves.
struct SolverTests {
  /// Relative to the largest weight.
  private static let tolerance = 1e-8

  private func problem(
    _ columns: Int, _ outputs: Int, centred: Bool, _ generator: inout SeededGenerator
  ) throws -> GroupProblem {
    try LinearAlgebra.load()
    let (sums, _, _) = SolverSamples.moments(
      columns: columns, outputs: outputs, samples: 3 * columns + 5, &generator)
    let own = SolverSamples.matrix(outputs, columns, &generator)
    return GroupProblem(sums, own: own, isCentred: centred, ridge: 1e-3)
  }

  @Test(arguments: [1, 2, 7, 40])
  func choleskyInverts(order: Int) throws {
    var generator = SeededGenerator(seed: UInt64(order))
    let h = try problem(order, 1, centred: false, &generator).hessian
    let factor = try #require(Cholesky(h))
    let expected = SolverSamples.inverse(h)
    #expect(expectNear(factor.inverse().elements, expected.elements, 1e-9))
    let b = SolverSamples.row(order, &generator)
    let x = (0..<order).map { zip(expected.row($0), b).reduce(0) { $0 + $1.0 * $1.1 } }
    #expect(expectNear(factor.solve(b), x, 1e-9))
  }

  /// Some builds of OpenBLAS share buffers between calls.
  @Test func callsFromSeveralThreadsGiveWhatOneGives() throws {
    var generator = SeededGenerator(seed: 64)
    let h = try problem(64, 1, centred: false, &generator).hessian
    let b = SolverSamples.matrix(3, 64, &generator)
    let solved: @Sendable () -> [Double] = {
      Cholesky(h)?.solve(rows: b).elements ?? []
    }
    let expected = solved()
    let agrees = Parallel.map(500) { _ in solved() == expected }
    #expect(!expected.isEmpty && agrees.allSatisfy { $0 })
  }

  @Test func indefiniteMatricesHaveNoFactor() throws {
    try LinearAlgebra.load()
    #expect(Cholesky(Matrix(rows: 2, columns: 2, elements: [1, 2, 2, 1])) == nil)
    #expect(Cholesky(Matrix(rows: 1, columns: 1, elements: [.nan])) == nil)
  }

  @Test(arguments: [false, true])
  func leastSquaresSolvesEachRow(centred: Bool) throws {
    var generator = SeededGenerator(seed: 11)
    let problem = try problem(9, 5, centred: centred, &generator)
    let mask = (0..<5).map { row in
      (0..<9).map { _ in row == 3 ? false : Bool.random(using: &generator) }
    }
    let solution = try MaskedLeastSquares.solve(problem, mask)
    for row in 0..<5 {
      let kept = (0..<9).filter { mask[row][$0] }
      let expected = SolverSamples.best(problem, row: row, keeping: kept).weights
      #expect(expectNear(Array(solution.row(row)), expected, Self.tolerance))
    }
  }

  /// At every step all removals are tried, each with the others solved for anew.
  @Test(arguments: [3, 5, 8])
  func exactOBSIsGreedyBruteForce(columns: Int) throws {
    var generator = SeededGenerator(seed: UInt64(100 + columns))
    let problem = try problem(columns, 4, centred: true, &generator)
    let inverse = try #require(Cholesky(problem.hessian)).inverse()
    let start = try problem.unconstrained()
    for row in 0..<4 {
      let trace = ExactOBS.trace(Array(start.row(row)), inverse: inverse, count: columns)
      var kept = Array(0..<columns)
      var value = SolverSamples.best(problem, row: row, keeping: kept).value
      for step in 0..<columns {
        let options = kept.map { column in
          (
            column,
            SolverSamples.best(problem, row: row, keeping: kept.filter { $0 != column }).value
          )
        }
        let least = try #require(options.min { $0.1 < $1.1 })
        #expect(trace.order[step] == least.0)
        #expect(abs(trace.losses[step] - (least.1 - value)) <= 1e-7 * max(1, abs(value)))
        value = least.1
        kept.removeAll { $0 == least.0 }
      }
    }
  }

  @Test func exactOBSKeepsNOfM() throws {
    var generator = SeededGenerator(seed: 5)
    // Two positions of 6 inputs: groups of 4 and 2 at each.
    let problem = try problem(12, 3, centred: false, &generator)
    let inverse = try #require(Cholesky(problem.hessian)).inverse()
    let start = try problem.unconstrained()
    for row in 0..<3 {
      let trace = ExactOBS.trace(
        Array(start.row(row)), inverse: inverse, count: 12,
        constraint: .groups(length: 4, kept: 2, period: 6))
      #expect(trace.order.count == 4)
      for group in [0..<4, 6..<10] { #expect(trace.order.filter(group.contains).count == 2) }
    }
  }

  /// Rows merged by loss: the least sum of losses among all ways to share the removals out.
  @Test func exactOBSMergesRowsByLoss() {
    let traces = [[1.0, 2, 9], [0.5, 0.6, 0.7], [3, 4, 5]].map { losses in
      ExactOBS.Trace(order: [2, 0, 1], losses: losses)
    }
    let mask = ExactOBS.mask(traces, columns: 3, dropping: 5)
    #expect(mask.map { $0.filter { !$0 }.count } == [2, 3, 0])
    #expect(mask[0] == [false, true, false])
  }

  /// Column by column over the whole matrix with the inverse of what is left, without blocks.
  @Test(arguments: [(20, 3), (150, 4), (300, 2)])
  func sparseGPTIsItsDenseLoop(columns: Int, rows: Int) throws {
    var generator = SeededGenerator(seed: UInt64(columns))
    let problem = try problem(columns, rows, centred: false, &generator)
    let start = try problem.unconstrained()
    let wanted = (0..<rows).map { _ in (0..<columns).map { _ in Bool.random(using: &generator) } }
    let (found, mask) = try SparseGPT.prune(problem, start: start) { _, block in
      wanted.map { Array($0[block]) }
    }
    #expect(mask == wanted)
    var (w, inverse) = (start, SolverSamples.inverse(problem.hessian))
    for i in 0..<columns {
      for row in 0..<rows where !wanted[row][i] {
        let ratio = w[row, i] / inverse[i, i]
        for j in i..<columns { w[row, j] -= ratio * inverse[i, j] }
        w[row, i] = 0
      }
      // The columns after i, without i.
      let pivot = inverse
      for a in i + 1..<max(columns, i + 1) {
        for b in i + 1..<columns {
          inverse[a, b] -= pivot[a, i] * pivot[i, b] / pivot[i, i]
        }
      }
    }
    #expect(expectNear(found.elements, w.elements, 1e-6))
  }

  @Test func sparseGPTScoresAreOBSLosses() throws {
    var generator = SeededGenerator(seed: 77)
    let problem = try problem(6, 2, centred: true, &generator)
    let start = try problem.unconstrained()
    var seen: Matrix?
    _ = try SparseGPT.prune(problem, start: start) { scores, _ in
      seen = scores
      return [[Bool]](repeating: [Bool](repeating: true, count: 6), count: 2)
    }
    let scores = try #require(seen)
    // The last column's inverse has nothing after it: 1 / H^-1 of all the others.
    for i in 0..<6 {
      let rest = problem.hessian.submatrix(Array(i..<6))
      let expected = start[0, i] * start[0, i] / SolverSamples.inverse(rest)[0, 0]
      #expect(abs(scores[0, i] - expected) <= 1e-8 * max(1, expected))
    }
  }
}
