import CLapack

/// The factor L of a symmetric positive definite matrix A = L L^T, by LAPACK's dpotrf.
public struct Cholesky: Sendable {
  /// L in the lower triangle; the upper one is not defined.
  public let factor: Matrix

  /// nil where the matrix (its lower triangle counts) is not positive definite, or not finite.
  public init?(_ matrix: Matrix) {
    precondition(matrix.rows == matrix.columns)
    var factor = matrix
    let n = Int32(matrix.rows)
    let status = factor.elements.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.map { cl_cholesky(n, $0) } ?? 0
    }
    guard status == 0, factor.diagonal.allSatisfy({ $0.isFinite && $0 > 0 }) else { return nil }
    self.factor = factor
  }

  private var order: Int32 { Int32(factor.rows) }

  /// x with A x = b.
  public func solve(_ b: [Double]) -> [Double] {
    precondition(b.count == factor.rows)
    var x = b
    solve(&x, count: 1)
    return x
  }

  /// X with A x = b for each row of `b`.
  public func solve(rows b: Matrix) -> Matrix {
    precondition(b.columns == factor.rows)
    var x = b
    solve(&x.elements, count: b.rows)
    return x
  }

  private func solve(_ b: inout [Double], count: Int) {
    factor.elements.withUnsafeBufferPointer { l in
      b.withUnsafeMutableBufferPointer { b in
        guard let l = l.baseAddress, let b = b.baseAddress, count > 0 else { return }
        _ = cl_cholesky_solve(order, Int32(count), l, b)
      }
    }
  }

  /// A^-1, both triangles.
  public func inverse() -> Matrix {
    var inverse = factor
    inverse.elements.withUnsafeMutableBufferPointer {
      if let base = $0.baseAddress { _ = cl_cholesky_inverse(order, base) }
    }
    inverse.mirrorLowerTriangle()
    return inverse
  }
}
