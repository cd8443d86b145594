import SparrowCore
import SparrowPasses

/// ExactOBS: each row's weights in the order that costs its squared error least, rows merged by loss;
/// see ``ExactOBS``. Blocks go by w^2 / [H^-1]_ii, chosen at once.
public struct ExactOBSCriterion: LayerwiseCriterion {
  public init() {}
  public var name: String { "exact-obs" }

  public func pruned(
    _ problem: LayerProblem, pattern: any Pattern, dropping count: Int
  ) throws(CompressError) -> (mask: LayerMask, weights: LayerWeights) {
    let mask: LayerMask
    switch pattern {
    case is UnstructuredPattern:
      mask = try merged(problem, try traces(problem, .none), dropping: count)
    case let pattern as NMPattern:
      let period = problem.layer.use.view.inputs
      let constraint = ExactOBS.Constraint.groups(
        length: pattern.group, kept: pattern.kept, period: period)
      mask = try merged(problem, try traces(problem, constraint), dropping: .max)
    default:
      mask = try problem.maskByInverseDiagonal(pattern, dropping: count)
    }
    // The removals one after the other end where least squares over the survivors does.
    return (mask, try MaskedLeastSquares.solve(problem, mask: mask))
  }

  /// Of every row of every group, in order.
  func traces(
    _ problem: LayerProblem, _ constraint: ExactOBS.Constraint
  ) throws(CompressError) -> [[ExactOBS.Trace]] {
    var result: [[ExactOBS.Trace]] = []
    for group in problem.groups {
      guard let factor = Cholesky(group.hessian) else {
        throw .calibration(GroupProblem.indefinite)
      }
      let (inverse, best) = (factor.inverse(), factor.solve(rows: group.right))
      result.append(
        Parallel.map(best.rows) { row in
          ExactOBS.trace(
            Array(best.row(row)), inverse: inverse, count: best.columns, constraint: constraint)
        })
    }
    return result
  }

  private func merged(
    _ problem: LayerProblem, _ traces: [[ExactOBS.Trace]], dropping count: Int
  ) throws(CompressError) -> LayerMask {
    let columns = problem.layout.columns
    let all = traces.flatMap { $0 }
    let total = all.reduce(0) { $0 + $1.order.count }
    var rows = ExactOBS.mask(all, columns: columns, dropping: min(count, total))[...]
    return LayerMask(
      groups: traces.map { group in
        defer { rows = rows.dropFirst(group.count) }
        return Array(rows.prefix(group.count))
      })
  }
}
