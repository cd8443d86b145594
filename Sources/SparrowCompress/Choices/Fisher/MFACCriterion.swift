import SparrowCore

/// w_q^2 / (2 [F^-1]_qq) with the damped empirical Fisher matrix F of a whole layer, which is never
/// formed: M-FAC (Frantar et al., arXiv 2107.03356). The update of the survivors is the exact one for
/// all dropped weights of the layer together.
///
/// Memory and time grow with the number of gradients m times the weights d, time with its square:
/// 8 m d bytes, m^2 d operations.
public struct MFACCriterion: GradientCriterion, UpdatingCriterion {
  public var gradientSettings: GradientSettings
  /// As ``BlockFisherCriterion/damping``.
  public var damping: Double

  /// With few gradients for so many weights, averages of some samples and strong damping are steadier
  /// than single samples.
  public init(
    gradientSettings: GradientSettings = GradientSettings(count: 256, groupSize: 8),
    damping: Double = 30
  ) {
    (self.gradientSettings, self.damping) = (gradientSettings, damping)
  }

  public var name: String { "m-fac" }
  public var requiredStatistics: Set<CalibrationStatistic> { [.gradients, .fisherScale] }
  public var defaultRepair: [String] { [OBSRepair().name] }

  public func scores(
    of layer: Layer, statistics: LayerStatistics
  ) throws(CompressError) -> Scores {
    let fisher = try fisher(layer, statistics)
    guard let diagonal = fisher.inverseDiagonal() else { throw notDefinite(layer) }
    let weights = layer.weight.doubles
    return Scores(zip(weights, diagonal).map { Float($0 * $0 / (2 * $1)) })
  }

  public func updated(
    _ layer: Layer, mask: WeightMask, statistics: LayerStatistics
  ) throws(CompressError) -> Tensor {
    let fisher = try fisher(layer, statistics)
    let weights = layer.weight.doubles
    let isKept = weights.indices.map { mask[$0] }
    guard let change = fisher.change(of: weights, isKept: isKept) else {
      throw notDefinite(layer)
    }
    let values = weights.indices.map { isKept[$0] ? weights[$0] + change[$0] : 0 }
    return Tensor(layer.weight.dtype, layer.weight.shape, doubles: values)
  }

  private func fisher(
    _ layer: Layer, _ statistics: LayerStatistics
  ) throws(CompressError) -> LowRankFisher {
    try LinearAlgebra.load()
    let gradients = try statistics.tensor(.gradients, for: name)
    guard gradients.dtype == .float32, gradients.rank == 2, gradients.shape[0] > 0,
      gradients.shape[1] == layer.count
    else {
      throw .unsupportedLayer(
        name: layer.name,
        reason: "its gradients are \(gradients.shape) for \(layer.count) weights")
    }
    return LowRankFisher(gradients, damping: try statistics.damping(damping, for: name))
  }

  private func notDefinite(_ layer: Layer) -> CompressError {
    .unsupportedLayer(
      name: layer.name,
      reason: "its Fisher matrix is not positive definite; use more damping than \(damping)")
  }
}
