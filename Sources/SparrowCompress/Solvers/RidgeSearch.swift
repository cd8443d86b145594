import SparrowCore

/// Finds how strongly a layer's weights are to be held to what they were: the ridge with which least
/// squares on a part of the samples does best on the others. Few samples with many inputs need much
/// of it, many samples hardly any. (Hold-out choice: Golub, Heath and Wahba, Technometrics 21, 1979,
/// section 1.)
///
/// A few outputs stand for the layer, with the largest of their weights: the choice is cheap next to
/// solving, and the same for every criterion.
struct RidgeSearch {
  /// Of the mean diagonal of the inputs' products.
  static var usual: Double { 1e-3 }

  private static var outputs: Int { 16 }
  private static var step: Double { 10.squareRoot() }
  private static var start: Double { 1e-2 }
  private static var bounds: ClosedRange<Double> { 1e-5...10 }

  private let learning: (Double) -> LayerProblem
  private let held: LayerProblem
  private let mask: LayerMask

  /// nil where nothing was held out. `sparsity` is the part of the weights that goes.
  init?(
    _ layer: Layer, _ own: LayerWeights, _ sums: MomentsAccumulator, layout: WeightLayout,
    hasBias: Bool, sparsity: Double
  ) {
    guard let (learned, held) = sums.learnedAndHeld() else { return nil }
    let chosen = Self.chosen(own)
    let weights = own.choosing(chosen)
    func problem(_ moments: LayerMoments, _ ridge: Double) -> LayerProblem {
      LayerProblem(
        layer, weights, moments.choosing(chosen), layout: layout, hasBias: hasBias, ridge: ridge)
    }
    learning = { problem(learned, $0) }
    self.held = problem(held, Self.usual)
    mask = weights.largest(1 - sparsity)
  }

  /// Up or down from the start for as long as the error falls.
  func best() throws(CompressError) -> Double {
    var best = (ridge: Self.start, error: try error(Self.start))
    for factor in [Self.step, 1 / Self.step] {
      let before = best.ridge
      while Self.bounds.contains(best.ridge * factor) {
        let next = best.ridge * factor
        let error = try error(next)
        guard error < best.error else { break }
        best = (next, error)
      }
      if best.ridge != before { break }
    }
    return best.ridge
  }

  private func error(_ ridge: Double) throws(CompressError) -> Double {
    let error = held.error(of: try MaskedLeastSquares.solve(learning(ridge), mask: mask))
    return error.isFinite ? error : .greatestFiniteMagnitude
  }

  /// Rows of some groups, evenly spread.
  private static func chosen(_ weights: LayerWeights) -> [(group: Int, rows: [Int])] {
    func spread(_ count: Int, _ most: Int) -> [Int] {
      let kept = min(count, max(1, most))
      return (0..<kept).map { $0 * count / kept }
    }
    let groups = spread(weights.groups.count, outputs)
    return groups.map { g in
      (g, spread(weights.groups[g].rows, outputs / max(1, groups.count)))
    }
  }
}

extension LayerWeights {
  fileprivate func choosing(_ chosen: [(group: Int, rows: [Int])]) -> LayerWeights {
    let outputs = groups.first?.rows ?? 0
    return LayerWeights(
      groups: chosen.map { groups[$0.group].choosing(rows: $0.rows) },
      bias: chosen.flatMap { group, rows in
        rows.map { row in
          let output = group * outputs + row
          return output < bias.count ? bias[output] : 0
        }
      })
  }

  /// The largest part `density` of each row.
  fileprivate func largest(_ density: Double) -> LayerMask {
    LayerMask(
      groups: groups.map { matrix in
        let kept = Int((density * Double(matrix.columns)).rounded(.up))
        return (0..<matrix.rows).map { row in
          let order = (0..<matrix.columns).sorted { abs(matrix[row, $0]) > abs(matrix[row, $1]) }
          var flags = [Bool](repeating: false, count: matrix.columns)
          for column in order.prefix(kept) { flags[column] = true }
          return flags
        }
      })
  }
}

extension LayerMoments {
  fileprivate func choosing(_ chosen: [(group: Int, rows: [Int])]) -> LayerMoments {
    LayerMoments(
      groups: chosen.map { group, rows in
        var part = groups[group]
        part.targets = part.targets.choosing(rows: rows)
        part.targetSquares = rows.map { groups[group].targetSquares[$0] }
        return part
      })
  }
}

extension Matrix {
  fileprivate func choosing(rows: [Int]) -> Matrix {
    var result = Matrix(rows: rows.count, columns: columns)
    for (i, row) in rows.enumerated() {
      for column in 0..<columns { result[i, column] = self[row, column] }
    }
    return result
  }
}
