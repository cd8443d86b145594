import SparrowCore

/// SparseGPT: one sweep over the columns of each layer; see ``SparseGPT``. Each block of 128 columns
/// loses the same share of its weights; of a pattern of blocks, those with the least summed score go.
public struct SparseGPTCriterion: LayerwiseCriterion {
  public init() {}
  public var name: String { "sparsegpt" }

  public func pruned(
    _ problem: LayerProblem, pattern: any Pattern, dropping count: Int
  ) throws(CompressError) -> (mask: LayerMask, weights: LayerWeights) {
    let share = Double(count) / Double(max(1, problem.layer.count))
    let fixed = try fixedMask(problem, pattern, count)
    var (groups, masks): ([Matrix], [[[Bool]]]) = ([], [])
    for (g, group) in problem.groups.enumerated() {
      let period = problem.layer.use.view.inputs
      let (weights, mask) = try SparseGPT.prune(group, start: try group.unconstrained()) {
        scores, columns in
        if let fixed { return fixed.groups[g].map { Array($0[columns]) } }
        if let pattern = pattern as? NMPattern {
          return pattern.kept(scores, columns: columns, period: period)
        }
        return Self.lowest(scores, share: share)
      }
      groups.append(weights)
      masks.append(mask)
    }
    let weights = LayerWeights(groups: groups, bias: problem.bias(for: groups))
    return (LayerMask(groups: masks), weights)
  }

  /// For patterns whose units span rows or blocks of columns: a mask chosen before the sweep. N:M
  /// groups that a block of 128 columns would cut count among them.
  private func fixedMask(
    _ problem: LayerProblem, _ pattern: any Pattern, _ count: Int
  ) throws(CompressError) -> LayerMask? {
    if pattern is UnstructuredPattern { return nil }
    if let pattern = pattern as? NMPattern, SparseGPT.blockLength % pattern.group == 0,
      problem.layer.use.view.inputs % pattern.group == 0
    {
      return nil
    }
    return try problem.maskByInverseDiagonal(pattern, dropping: count)
  }

  /// Keeps all but the lowest `share` of a block's scores.
  private static func lowest(_ scores: Matrix, share: Double) -> [[Bool]] {
    let drop = Rounding.dropCount(share, of: scores.elements.count)
    let units = UnitScores(scores: Scores(scores.elements.map { Float($0.squareRoot()) }))
    let view = WeightView.outputsFirst([scores.rows, scores.columns])
    let mask = UnstructuredPattern().mask(units, view: view, dropping: drop)
    return (0..<scores.rows).map { row in
      (0..<scores.columns).map { mask[row * scores.columns + $0] }
    }
  }
}

extension LayerProblem {
  /// The mask of the pattern's units with the least w^2 / [H^-1]_ii, w the best dense weights.
  func maskByInverseDiagonal(
    _ pattern: any Pattern, dropping count: Int
  ) throws(CompressError) -> LayerMask {
    var scores: [Matrix] = []
    for group in groups {
      guard let factor = Cholesky(group.hessian) else {
        throw .calibration(GroupProblem.indefinite)
      }
      let diagonal = factor.inverse().diagonal
      var matrix = factor.solve(rows: group.right)
      for row in 0..<matrix.rows {
        for column in 0..<matrix.columns {
          matrix[row, column] *= matrix[row, column] / diagonal[column]
        }
      }
      scores.append(matrix)
    }
    let units = pattern.units(of: layout.scores(scores), view: layout.view)
    return layout.mask(pattern.mask(units, view: layout.view, dropping: count))
  }
}

extension NMPattern {
  /// What a block of columns keeps: of each row's groups the largest scores. Columns are positions of
  /// `period` inputs each, and both are whole multiples of a group.
  func kept(_ scores: Matrix, columns: Range<Int>, period: Int) -> [[Bool]] {
    (0..<scores.rows).map { row in
      var flags = [Bool](repeating: false, count: scores.columns)
      for first in stride(from: 0, to: scores.columns, by: group) {
        let places = (first..<min(first + group, scores.columns)).sorted {
          let (a, b) = (scores[row, $0], scores[row, $1])
          return a != b ? a > b : $0 > $1
        }
        for place in places.prefix(kept) { flags[place] = true }
      }
      return flags
    }
  }
}
