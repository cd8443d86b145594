import SparrowCore

/// w^2 F / 2 with the empirical Fisher matrix's diagonal F, the mean of the squared gradients: the loss
/// expected if a weight goes and no other changes. (Theis et al., arXiv 1801.05787, equation 4.)
public struct DiagonalFisherCriterion: GradientCriterion {
  public var gradientSettings: GradientSettings

  public init(gradientSettings: GradientSettings = GradientSettings(count: 1024)) {
    self.gradientSettings = gradientSettings
  }

  public var name: String { "fisher" }
  public var requiredStatistics: Set<CalibrationStatistic> { [.meanSquaredGradient] }

  public func scores(
    of layer: Layer, statistics: LayerStatistics
  ) throws(CompressError) -> Scores {
    let squares = try statistics.floats(.meanSquaredGradient, of: layer, for: name)
    return Scores(zip(layer.weight.floats ?? [], squares).map { $0 * $0 * $1 / 2 })
  }
}
