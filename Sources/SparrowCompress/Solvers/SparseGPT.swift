import SparrowPasses

/// Pruning in one sweep over the columns, each column's error made good by those after it.
/// (Frantar and Alistarh, "SparseGPT", arXiv 2301.00774, section 3 and algorithm 1.)
///
/// With U the upper Cholesky factor of H^-1, dropping weight w of column i costs w^2 / U_ii^2, and the
/// best change of the columns after it is -w / U_ii times U's row i.
enum SparseGPT {
  /// Columns whose mask is chosen together, and after which the columns beyond are brought up to date.
  static var blockLength: Int { 128 }

  /// Weights and mask of one group; `chosen` picks what a block of columns keeps from its scores.
  static func prune(
    _ problem: GroupProblem, start: Matrix,
    choosing chosen: (_ scores: Matrix, _ columns: Range<Int>) -> [[Bool]]
  ) throws(CompressError) -> (weights: Matrix, mask: [[Bool]]) {
    let factor = try inverseFactor(of: problem.hessian)
    var weights = start
    let (rows, columns) = (start.rows, start.columns)
    var mask = [[Bool]](repeating: [Bool](repeating: true, count: columns), count: rows)
    for first in stride(from: 0, to: columns, by: blockLength) {
      let block = first..<min(columns, first + blockLength)
      var scores = Matrix(rows: rows, columns: block.count)
      for row in 0..<rows {
        for (i, column) in block.enumerated() {
          let ratio = weights[row, column] / factor[column, column]
          scores[row, i] = ratio * ratio
        }
      }
      let kept = chosen(scores, block)
      for row in 0..<rows { mask[row].replaceSubrange(block, with: kept[row]) }
      let errors = sweep(&weights, factor, block, kept)
      guard block.upperBound < columns else { break }
      update(&weights, errors, factor, block)
    }
    return (weights, mask)
  }

  /// U, upper triangular, with H^-1 = U^T U.
  static func inverseFactor(of hessian: Matrix) throws(CompressError) -> Matrix {
    guard let inverse = Cholesky(hessian)?.inverse(), let lower = Cholesky(inverse)?.factor else {
      throw .calibration(GroupProblem.indefinite)
    }
    var upper = lower
    upper.mirrorLowerTriangle()
    return upper
  }

  /// Drops column by column inside a block; the errors are w / U_ii of what was dropped.
  private static func sweep(
    _ weights: inout Matrix, _ factor: Matrix, _ block: Range<Int>, _ kept: [[Bool]]
  ) -> Matrix {
    let (rows, columns) = (weights.rows, weights.columns)
    var errors = Matrix(rows: rows, columns: block.count)
    weights.elements.withUnsafeMutableBufferPointer { w in
      errors.elements.withUnsafeMutableBufferPointer { e in
        nonisolated(unsafe) let (w, e) = (w, e)
        let pieces = min(rows, Parallel.workers)
        _ = Parallel.map(pieces) { piece in
          for row in piece * rows / pieces..<(piece + 1) * rows / pieces {
            for (i, column) in block.enumerated() where !kept[row][i] {
              let error = w[row * columns + column] / factor[column, column]
              e[row * block.count + i] = error
              w[row * columns + column] = 0
              for later in column + 1..<max(column + 1, block.upperBound) {
                w[row * columns + later] -= error * factor[column, later]
              }
            }
          }
        }
      }
    }
    return errors
  }

  /// Takes a block's errors out of all columns after it.
  private static func update(
    _ weights: inout Matrix, _ errors: Matrix, _ factor: Matrix, _ block: Range<Int>
  ) {
    let columns = weights.columns
    let rest = columns - block.upperBound
    var rows = Matrix(rows: block.count, columns: rest)
    for (i, column) in block.enumerated() {
      for j in 0..<rest { rows[i, j] = factor[column, block.upperBound + j] }
    }
    let change = errors.multiplied(by: rows)
    for row in 0..<weights.rows {
      for j in 0..<rest { weights[row, block.upperBound + j] -= change[row, j] }
    }
  }
}
