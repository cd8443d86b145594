import SparrowCore
import SparrowPasses

/// The damped Fisher matrix F = lambda I + 1/m G^T G of a layer, of which only the m gradients G
/// (m x d) are kept.
///
/// M-FAC's recursion h_i = g_i / lambda - sum_{j<i} h_j (h_j^T g_i) / d_j, d_i = m + g_i^T h_i, is an
/// elimination of the m x m matrix K = m I + G G^T / lambda, row by row (arXiv 2107.03356, section 3);
/// factoring K by Cholesky does the same with blocked products:
///
/// ```
/// F^-1 x = x / lambda - G^T K^-1 G x / lambda^2
/// ```
struct LowRankFisher {
  let gradients: Tensor
  let damping: Double
  private var count: Int { gradients.shape[0] }
  private var width: Int { gradients.shape[1] }

  /// `gradients` are float32 `[m, d]`.
  init(_ gradients: Tensor, damping: Double) {
    (self.gradients, self.damping) = (gradients, damping)
  }

  /// Columns that are worked on together.
  private static var pieceLength: Int { 512 }

  /// The diagonal of F^-1: 1 / lambda - |L^-1 G_q|^2 / lambda^2 for K = L L^T. nil where rounding has
  /// left K without a factor.
  func inverseDiagonal() -> [Double]? {
    guard let factor = Cholesky(kernel(keeping: nil)) else { return nil }
    let pieces = (width + Self.pieceLength - 1) / Self.pieceLength
    let parts = Parallel.map(pieces) { piece -> [Double] in
      let columns = piece * Self.pieceLength..<min(width, (piece + 1) * Self.pieceLength)
      // Rows of the columns' gradients, solved for together: g^T K^-1 g for each.
      let rows = transposed(columns)
      let solved = factor.solve(rows: rows)
      return columns.indices.map { column in
        let i = column - columns.lowerBound
        let product = zip(rows.row(i), solved.row(i)).reduce(0.0) { $0 + $1.0 * $1.1 }
        return (1 - product / damping) / damping
      }
    }
    let diagonal = Array(parts.joined())
    return diagonal.allSatisfy { $0.isFinite && $0 > 0 } ? diagonal : nil
  }

  /// The change of the kept weights that makes up best for the others: F_SS^-1 F_SQ w_Q, which is
  /// G_S^T (m lambda I + G_S G_S^T)^-1 G_Q w_Q. One number a weight, 0 for the dropped ones.
  func change(of weights: [Double], isKept: [Bool]) -> [Double]? {
    guard let factor = Cholesky(kernel(keeping: isKept)) else { return nil }
    var lost = [Double](repeating: 0, count: count)
    var result = [Double](repeating: 0, count: width)
    gradients.withElements(of: Float.self) { all in
      for i in 0..<count {
        for q in 0..<width where !isKept[q] {
          lost[i] += Double(all[i * width + q]) * weights[q]
        }
      }
      let shares = factor.solve(lost)
      for i in 0..<count {
        let share = shares[i] / damping
        for q in 0..<width where isKept[q] { result[q] += share * Double(all[i * width + q]) }
      }
    }
    return result.allSatisfy { $0.isFinite } ? result : nil
  }

  /// m I + G_S G_S^T / lambda, of all columns or of the kept ones; lower triangle.
  private func kernel(keeping isKept: [Bool]?) -> Matrix {
    let (m, piece) = (count, Self.pieceLength)
    let pieces = (width + piece - 1) / piece
    // A few sums that are added up in their order, whatever the number of workers.
    let shares = min(pieces, 8)
    let sums = Parallel.map(shares) { share -> Matrix in
      var sum = Matrix(rows: m, columns: m)
      for i in share * pieces / shares..<(share + 1) * pieces / shares {
        let columns = i * piece..<min(width, (i + 1) * piece)
        let part = rows(columns, keeping: isKept)
        part.withUnsafeBufferPointer {
          if let base = $0.baseAddress {
            sum.addGram(base, length: columns.count, stride: columns.count)
          }
        }
      }
      return sum
    }
    var total = Matrix(rows: m, columns: m)
    for sum in sums { total.add(sum) }
    for i in total.elements.indices { total.elements[i] /= damping }
    for i in 0..<m { total[i, i] += Double(m) }
    return total
  }

  /// Columns of G in float64, row after row; zeros for dropped ones.
  private func rows(_ columns: Range<Int>, keeping isKept: [Bool]?) -> [Double] {
    var result: [Double] = []
    result.reserveCapacity(count * columns.count)
    gradients.withElements(of: Float.self) { all in
      for i in 0..<count {
        for q in columns {
          result.append(isKept?[q] ?? true ? Double(all[i * width + q]) : 0)
        }
      }
    }
    return result
  }

  /// Columns of G as the rows of a matrix.
  private func transposed(_ columns: Range<Int>) -> Matrix {
    var result = Matrix(rows: columns.count, columns: count)
    gradients.withElements(of: Float.self) { all in
      for i in 0..<count {
        for (row, q) in columns.enumerated() {
          result.elements[row * count + i] = Double(all[i * width + q])
        }
      }
    }
    return result
  }
}
