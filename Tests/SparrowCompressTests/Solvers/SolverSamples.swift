import SparrowTestSupport

@testable import SparrowCompress

/// Random least-squares problems.
enum SolverSamples {
  /// A group with correlated inputs, its moments from `samples` columns.
  static func moments(
    columns: Int, outputs: Int, samples: Int, _ generator: inout SeededGenerator
  ) -> (moments: GroupMoments, x: [[Double]], y: [[Double]]) {
    var sums = GroupMoments(columns: columns, outputs: outputs)
    var (xs, ys): ([[Double]], [[Double]]) = ([], [])
    let mixing = (0..<columns).map { _ in row(columns, &generator) }
    let teacher = (0..<outputs).map { _ in row(columns, &generator) }
    for _ in 0..<samples {
      let source = row(columns, &generator)
      let x = mixing.map { zip($0, source).reduce(0.3) { $0 + $1.0 * $1.1 } }
      let y = teacher.map { zip($0, x).reduce(0.5) { $0 + $1.0 * $1.1 } }
        .map { $0 + Double.random(in: -0.1...0.1, using: &generator) }
      let full = x + [1]
      for i in full.indices {
        for j in full.indices { sums.inputs[i, j] += full[i] * full[j] }
        for o in 0..<outputs { sums.targets[o, i] += y[o] * full[i] }
      }
      for o in 0..<outputs { sums.targetSquares[o] += y[o] * y[o] }
      xs.append(x)
      ys.append(y)
    }
    return (sums, xs, ys)
  }

  static func row(_ count: Int, _ generator: inout SeededGenerator) -> [Double] {
    (0..<count).map { _ in .random(in: -1...1, using: &generator) }
  }

  static func matrix(_ rows: Int, _ columns: Int, _ generator: inout SeededGenerator) -> Matrix {
    Matrix(rows: rows, columns: columns, elements: row(rows * columns, &generator))
  }

  /// The inverse by Gauss-Jordan elimination with pivoting.
  static func inverse(_ matrix: Matrix) -> Matrix {
    let n = matrix.rows
    var (a, b) = (matrix, Matrix(rows: n, columns: n))
    for i in 0..<n { b[i, i] = 1 }
    for c in 0..<n {
      let pivot = (c..<n).max { abs(a[$0, c]) < abs(a[$1, c]) } ?? c
      for k in 0..<n {
        (a[c, k], a[pivot, k]) = (a[pivot, k], a[c, k])
        (b[c, k], b[pivot, k]) = (b[pivot, k], b[c, k])
      }
      let factor = a[c, c]
      for k in 0..<n {
        a[c, k] /= factor
        b[c, k] /= factor
      }
      for r in 0..<n where r != c {
        let factor = a[r, c]
        for k in 0..<n {
          a[r, k] -= factor * a[c, k]
          b[r, k] -= factor * b[c, k]
        }
      }
    }
    return b
  }

  /// The least value of w H w^T - 2 w r over weights that are 0 outside `kept`, and where it is.
  static func best(
    _ problem: GroupProblem, row: Int, keeping kept: [Int]
  ) -> (value: Double, weights: [Double]) {
    let inverse = inverse(problem.hessian.submatrix(kept))
    let right = kept.map { problem.right[row, $0] }
    var weights = [Double](repeating: 0, count: problem.right.columns)
    var value = 0.0
    for (i, column) in kept.enumerated() {
      weights[column] = zip(inverse.row(i), right).reduce(0) { $0 + $1.0 * $1.1 }
      value -= weights[column] * right[i]
    }
    return (value, weights)
  }
}

func expectNear(_ a: [Double], _ b: [Double], _ tolerance: Double) -> Bool {
  let scale = max(1e-12, b.map { abs($0) }.max() ?? 0)
  return a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * scale }
}
