import SparrowCore

/// |w_ij| ||x_j||_2, compared within each output; the weights keep their values unless a repair is
/// asked for. (Sun et al., "A Simple and Effective Pruning Approach for Large Language Models",
/// arXiv 2306.11695, section 3.)
public struct WandaCriterion: LayerwiseCriterion {
  public init() {}
  public var name: String { "wanda" }
  public var defaultRepair: [String] { [] }

  public func pruned(
    _ problem: LayerProblem, pattern: any Pattern, dropping count: Int
  ) throws(CompressError) -> (mask: LayerMask, weights: LayerWeights) {
    let scores = zip(problem.weights.groups, problem.moments.groups).map { weights, sums in
      var scores = weights
      for column in 0..<weights.columns {
        let norm = max(0, sums.inputs[column, column]).squareRoot()
        for row in 0..<weights.rows { scores[row, column] = abs(scores[row, column]) * norm }
      }
      return scores
    }
    guard pattern is UnstructuredPattern else {
      let view = problem.layout.view
      let units = pattern.units(of: problem.layout.scores(scores), view: view)
      let mask = pattern.mask(units, view: view, dropping: count)
      return (problem.layout.mask(mask), problem.weights)
    }
    let share = Double(count) / Double(max(1, problem.layer.count))
    let masks = scores.map { matrix in
      (0..<matrix.rows).map { row in
        let order = (0..<matrix.columns).sorted {
          (matrix[row, $0], $0) < (matrix[row, $1], $1)
        }
        var flags = [Bool](repeating: true, count: matrix.columns)
        for column in order.prefix(Rounding.dropCount(share, of: matrix.columns)) {
          flags[column] = false
        }
        return flags
      }
    }
    return (LayerMask(groups: masks), problem.weights)
  }
}
