import SparrowCore

/// What keeps embeddings of two views of a sample alike, and each from saying nothing. (Bardes et al.
/// 2022, VICReg, arXiv 2105.04906, section 4.1.)
///
/// Of two batches of embeddings z and z', `[N, D]`, N at least 2:
/// ```
/// loss = invariance mean (z - z')^2
///      + variance   (v(z) + v(z')) / 2     v(z) = mean_d max(0, 1 - sqrt(var(z_d) + 1e-4))
///      + covariance (c(z) + c(z'))         c(z) = sum_{i != j} cov(z)_ij^2 / D
/// ```
/// Variances and covariances are those of samples, divided by N - 1. The halves are those of the
/// authors' program.
public struct VICReg: Hashable, Sendable {
  public var invariance: Double
  public var variance: Double
  public var covariance: Double

  public init(invariance: Double = 25, variance: Double = 25, covariance: Double = 1) {
    (self.invariance, self.variance, self.covariance) = (invariance, variance, covariance)
  }

  func check() throws(TrainError) {
    for weight in [invariance, variance, covariance] where !(weight >= 0 && weight.isFinite) {
      throw .setting("a part of vicreg weighs \(weight), expected a number from 0")
    }
  }
}

extension Graph {
  /// Appends the loss of the first two outputs, embeddings `[N, D]` of two views.
  mutating func addVICReg(_ weights: VICReg) throws(TrainError) -> LossValues {
    guard outputs.count >= 2, let type = self[outputs[0]].type, type.dtype.isFloatingPoint,
      let shape = type.shape, shape.count == 2, shape[0] >= 2, self[outputs[1]].type == type
    else {
      let found = outputs.first.flatMap { self[$0].type?.text } ?? "missing"
      throw .network(
        "vicreg compares embeddings [N, D] of at least 2 samples, but the first output is \(found)")
    }
    let (first, second) = (outputs[0], outputs[1])
    let difference = try addNode(.binary(Binary(.sub)), [first, second], "view_difference")
    let square = try addNode(.binary(Binary(.mul)), [difference, difference], "view_square")
    let distance = try addMean(square, "invariance")
    let (a, b) = (try addSpread(first, shape), try addSpread(second, shape))
    let hinges = try addMixture(a.hinge, weights.variance / 2, b.hinge, weights.variance / 2)
    let products = try addMixture(
      a.covariance, weights.covariance, b.covariance, weights.covariance)
    let spread = try addNode(.binary(Binary(.add)), [hinges, products], "spread")
    return LossValues(
      loss: try addMixture(distance, weights.invariance, spread, 1), scores: first)
  }

  /// v and c of one batch of embeddings.
  private mutating func addSpread(
    _ z: ValueID, _ shape: [Int]
  ) throws(TrainError) -> (hinge: ValueID, covariance: ValueID) {
    let (count, width) = (shape[0], shape[1])
    let batch = addConstant(unusedName("batch_axis"), Tensor([Int64(0)]))
    let mean = try addNode(.reduce(Reduce(.mean)), [z, batch], "embedding_mean")
    let centred = try addNode(.binary(Binary(.sub)), [z, mean], "centred")
    let squares = try addNode(
      .reduce(Reduce(.sumSquare, keepsDimensions: false)), [centred, batch], "embedding_squares")
    let variance = try addScaled(squares, by: 1 / Double(count - 1))
    let shifted = try addNode(
      .binary(Binary(.add)), [variance, addScalar(1e-4, like: z)], "shifted_variance")
    let deviation = try addNode(.unary(Unary(.sqrt)), [shifted], "deviation")
    let missing = try addNode(
      .binary(Binary(.sub)), [addScalar(1, like: z), deviation], "missing_deviation")
    let hinge = try addMean(try addNode(.unary(Unary(.relu)), [missing], "hinge"), "variance")
    let products = try addNode(
      .gemm(Gemm(transposesA: true)), [centred, centred], "embedding_products")
    let covariances = try addScaled(products, by: 1 / Double(count - 1))
    // The diagonal holds the variances.
    let all = try addSumOfSquares(covariances, "all_covariances")
    let diagonal = try addSumOfSquares(variance, "diagonal")
    let others = try addNode(.binary(Binary(.sub)), [all, diagonal], "covariances")
    return (hinge, try addScaled(others, by: 1 / Double(max(1, width))))
  }

  private mutating func addSumOfSquares(
    _ x: ValueID, _ name: String
  ) throws(TrainError) -> ValueID {
    try addNode(.reduce(Reduce(.sumSquare, keepsDimensions: false)), [x], name)
  }
}
