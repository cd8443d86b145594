import SparrowCore

/// One layer as a least-squares problem: the weights that bring its outputs, on the inputs that the
/// compressed layers before it give, nearest to the outputs it ought to have.
///
/// The squared error of weights W (one group, bias solved for) is, but for a constant,
/// `tr(W H W^T) - 2 tr(W R^T)`, with a ridge that pulls W towards the layer's own weights W0:
/// ```
/// H = sum (x - mean x)(x - mean x)^T + ridge I      R = sum (y - mean y)(x - mean x)^T + ridge W0
/// ```
/// Inputs that are always 0 get 1 on H's diagonal, and their weights do not matter.
public struct LayerProblem: Sendable {
  public var layer: Layer
  public var groups: [GroupProblem]
  /// The layer's own weights.
  public var weights: LayerWeights
  /// Whether the bias is solved for too.
  public var hasBias: Bool
  let layout: WeightLayout
  let moments: LayerMoments

  /// `ridge` is a fraction of the mean diagonal of H.
  init(
    _ layer: Layer, _ weights: LayerWeights, _ moments: LayerMoments, layout: WeightLayout,
    hasBias: Bool, ridge: Double
  ) {
    (self.layer, self.weights, self.moments) = (layer, weights, moments)
    (self.layout, self.hasBias) = (layout, hasBias)
    groups = zip(moments.groups, weights.groups).map {
      GroupProblem($0, own: $1, isCentred: hasBias, ridge: ridge)
    }
  }

  /// The best bias for given weights; the layer's own where it is not solved for.
  func bias(for matrices: [Matrix]) -> [Double] {
    guard hasBias else { return weights.bias }
    var result: [Double] = []
    for (sums, matrix) in zip(moments.groups, matrices) {
      let (d, count) = (sums.columns, max(1, sums.sampleCount))
      for row in 0..<matrix.rows {
        var sum = sums.targets[row, d]
        for column in 0..<d { sum -= matrix[row, column] * sums.inputs[d, column] }
        result.append(sum / count)
      }
    }
    return result
  }

  /// The squared error of the layer's outputs with these weights, over the energy of the wanted ones
  /// about their mean: 0 is perfect, 1 as bad as constants.
  func error(of candidate: LayerWeights) -> Double {
    var (error, energy) = (0.0, 0.0)
    for (g, sums) in moments.groups.enumerated() {
      let (d, matrix) = (sums.columns, candidate.groups[g])
      var full = Matrix(rows: matrix.rows, columns: d + 1)
      for row in 0..<matrix.rows {
        for column in 0..<d { full[row, column] = matrix[row, column] }
        let output = g * matrix.rows + row
        full[row, d] = output < candidate.bias.count ? candidate.bias[output] : 0
      }
      let products = full.multiplied(by: sums.inputs)
      for row in 0..<matrix.rows {
        var sum = sums.targetSquares[row]
        for i in 0...d { sum += full[row, i] * (products[row, i] - 2 * sums.targets[row, i]) }
        error += max(0, sum)
        let total = sums.targets[row, d]
        energy += sums.targetSquares[row] - total * total / max(1, sums.sampleCount)
      }
    }
    return energy > 0 ? error / energy : 0
  }
}

/// One group of a ``LayerProblem``.
public struct GroupProblem: Sendable {
  /// H: `[d, d]`, positive definite.
  public let hessian: Matrix
  /// R: `[o, d]`.
  public let right: Matrix

  init(_ moments: GroupMoments, own: Matrix, isCentred: Bool, ridge: Double) {
    let d = moments.columns
    let count = max(1, moments.sampleCount)
    var (h, r) = (Matrix(rows: d, columns: d), Matrix(rows: moments.outputs, columns: d))
    let means = (0..<d).map { isCentred ? moments.inputs[d, $0] / count : 0 }
    for i in 0..<d {
      for j in 0..<d { h[i, j] = moments.inputs[i, j] - means[i] * means[j] * count }
    }
    for o in 0..<moments.outputs {
      let total = isCentred ? moments.targets[o, d] : 0
      for j in 0..<d { r[o, j] = moments.targets[o, j] - total * means[j] }
    }
    let mean = (0..<d).reduce(0.0) { $0 + h[$1, $1] } / Double(max(1, d))
    let damping = mean > 0 && mean.isFinite ? ridge * mean : 1
    for i in 0..<d {
      // Rounding leaves constant inputs a trace of variance: they count as dead as well.
      if h[i, i] <= 1e-12 * max(mean, .leastNormalMagnitude) {
        for j in 0..<d { (h[i, j], h[j, i]) = (0, 0) }
        for o in 0..<r.rows { r[o, i] = 0 }
        h[i, i] = max(damping, mean, 1e-30)
        continue
      }
      h[i, i] += damping
      for o in 0..<r.rows { r[o, i] += damping * own[o, i] }
    }
    (hessian, right) = (h, r)
  }

  /// The best weights with nothing dropped: R H^-1.
  func unconstrained() throws(CompressError) -> Matrix {
    guard let factor = Cholesky(hessian) else { throw .calibration(Self.indefinite) }
    return factor.solve(rows: right)
  }

  static var indefinite: String {
    "the products of a layer's inputs are not positive definite; use more samples or a larger ridge"
  }
}
