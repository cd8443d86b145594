import SparrowCore

/// The damped Fisher matrix of some weights, F = lambda I + 1/m sum g g^T, in float64.
///
/// WoodFisher builds F^-1 gradient by gradient, v = F^-1 g, F^-1 -= v v^T / (m + g^T v) from I / lambda
/// (Singh and Alistarh, arXiv 2004.14340, equation 7); factoring F gives the same matrix with fewer
/// operations.
struct FisherBlock {
  /// Lower and upper triangle.
  let matrix: Matrix

  /// `outer` is the mean of the gradients' outer products.
  init(outer: Matrix, damping: Double) {
    var matrix = outer
    for i in 0..<matrix.rows { matrix[i, i] += damping }
    self.matrix = matrix
  }

  /// The diagonal of F^-1; nil where F is not positive definite or not finite.
  func inverseDiagonal() -> [Double]? {
    guard let factor = Cholesky(matrix) else { return nil }
    let diagonal = factor.inverse().diagonal
    return diagonal.allSatisfy { $0.isFinite && $0 > 0 } ? diagonal : nil
  }

  /// The change of the kept weights that makes up best for the loss of the others, all at once:
  /// F_SS^-1 F_SQ w_Q, with S the kept and Q the dropped; in S's order. nil as above.
  ///
  /// It equals the change of optimal brain surgery, -F^-1_SQ (F^-1_QQ)^-1 w_Q.
  func change(of weights: [Double], kept: [Int], dropped: [Int]) -> [Double]? {
    guard !kept.isEmpty, !dropped.isEmpty else { return kept.map { _ in 0 } }
    let force = kept.map { i in dropped.reduce(0.0) { $0 + matrix[i, $1] * weights[$1] } }
    guard let factor = Cholesky(matrix.submatrix(kept)) else { return nil }
    let change = factor.solve(force)
    return change.allSatisfy { $0.isFinite } ? change : nil
  }
}

extension FisherBlock {
  /// Block `index` of a statistic of ``CalibrationStatistic/fisherBlocks``, of which `length` rows and
  /// columns count.
  init(_ blocks: Tensor, index: Int, length: Int, damping: Double) {
    let size = blocks.shape[1]
    var outer = Matrix(rows: length, columns: length)
    blocks.withElements(of: Float.self) { all in
      for i in 0..<length {
        for j in 0..<length {
          outer.elements[i * length + j] = Double(all[(index * size + i) * size + j])
        }
      }
    }
    self.init(outer: outer, damping: damping)
  }
}
