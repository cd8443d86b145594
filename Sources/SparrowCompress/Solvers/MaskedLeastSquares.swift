import SparrowPasses

/// The best weights with zeros where a mask drops: each output's own least-squares problem over the
/// inputs it keeps, by Cholesky factorisation. Outputs with the same mask share the factor.
enum MaskedLeastSquares {
  static func solve(
    _ problem: LayerProblem, mask: LayerMask
  ) throws(CompressError) -> LayerWeights {
    var groups: [Matrix] = []
    for (group, rows) in zip(problem.groups, mask.groups) {
      groups.append(try solve(group, rows))
    }
    return LayerWeights(groups: groups, bias: problem.bias(for: groups))
  }

  static func solve(_ problem: GroupProblem, _ mask: [[Bool]]) throws(CompressError) -> Matrix {
    var rowsOf: [[Bool]: [Int]] = [:]
    for (row, flags) in mask.enumerated() { rowsOf[flags, default: []].append(row) }
    let sets = rowsOf.sorted { $0.value[0] < $1.value[0] }
    let solutions = Parallel.map(sets.count) { i -> [[Double]]? in
      let kept = sets[i].key.indices.filter { sets[i].key[$0] }
      return solve(problem, keeping: kept, rows: sets[i].value)
    }
    var result = Matrix(rows: problem.right.rows, columns: problem.right.columns)
    for (set, solution) in zip(sets, solutions) {
      guard let solution else { throw .calibration(GroupProblem.indefinite) }
      for (row, values) in zip(set.value, solution) {
        for (column, value) in values.enumerated() { result[row, column] = value }
      }
    }
    return result
  }

  /// The rows' weights in full length; nil where the problem is not positive definite.
  private static func solve(
    _ problem: GroupProblem, keeping kept: [Int], rows: [Int]
  ) -> [[Double]]? {
    let width = problem.right.columns
    guard !kept.isEmpty else { return rows.map { _ in [Double](repeating: 0, count: width) } }
    guard let factor = Cholesky(problem.hessian.submatrix(kept)) else { return nil }
    return rows.map { row in
      let solution = factor.solve(kept.map { problem.right[row, $0] })
      var full = [Double](repeating: 0, count: width)
      for (column, value) in zip(kept, solution) { full[column] = value }
      return full
    }
  }
}
