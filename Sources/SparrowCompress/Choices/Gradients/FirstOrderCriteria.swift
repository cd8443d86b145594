import SparrowCore

/// SNIP: |w g| with the gradient g of the mean loss: how much the loss feels the connection.
/// (Lee et al., arXiv 1810.02340, equation 6.)
public struct SNIPCriterion: GradientCriterion {
  public var gradientSettings: GradientSettings

  /// `count` gradients of `groupSize` samples each are averaged.
  public init(gradientSettings: GradientSettings = .ofTheMeanLoss) {
    self.gradientSettings = gradientSettings
  }

  public var name: String { "snip" }
  public var requiredStatistics: Set<CalibrationStatistic> { [.meanGradient] }

  public func scores(
    of layer: Layer, statistics: LayerStatistics
  ) throws(CompressError) -> Scores {
    let gradient = try statistics.floats(.meanGradient, of: layer, for: name)
    return Scores(zip(layer.weight.floats ?? [], gradient).map { abs($0 * $1) })
  }
}

/// First-order Taylor expansion: (w g)^2, the square of what the mean loss is expected to change by.
/// (Molchanov et al., arXiv 1906.10771, equation 8.)
///
/// Weights that go together have ``groupScore(weights:gradients:)``, the square of their sum.
public struct TaylorCriterion: GradientCriterion {
  public var gradientSettings: GradientSettings

  public init(gradientSettings: GradientSettings = .ofTheMeanLoss) {
    self.gradientSettings = gradientSettings
  }

  public var name: String { "taylor" }
  public var requiredStatistics: Set<CalibrationStatistic> { [.meanGradient] }

  public func scores(
    of layer: Layer, statistics: LayerStatistics
  ) throws(CompressError) -> Scores {
    let gradient = try statistics.floats(.meanGradient, of: layer, for: name)
    return Scores(zip(layer.weight.floats ?? [], gradient).map { ($0 * $1) * ($0 * $1) })
  }

  /// (sum w g)^2 of weights that are dropped together.
  public static func groupScore(
    weights: some Sequence<Float>, gradients: some Sequence<Float>
  ) -> Double {
    let sum = zip(weights, gradients).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    return sum * sum
  }
}

/// GraSP: w (H g), how much dropping a weight lowers the gradient's norm; those whose loss lowers it
/// least, or raises it, go first. (Wang et al., arXiv 2002.07376, equation 8, without its softening of
/// the scores, which is for networks before training.)
///
/// The product of Hessian and gradient is a central difference of gradients; see
/// ``GradientStatistics``. Scores order as the signed products do.
public struct GraSPCriterion: GradientCriterion {
  public var gradientSettings: GradientSettings

  public init(gradientSettings: GradientSettings = .ofTheMeanLoss) {
    self.gradientSettings = gradientSettings
  }

  public var name: String { "grasp" }
  public var requiredStatistics: Set<CalibrationStatistic> { [.hessianGradient] }

  public func scores(
    of layer: Layer, statistics: LayerStatistics
  ) throws(CompressError) -> Scores {
    let product = try statistics.floats(.hessianGradient, of: layer, for: name)
    // Only magnitudes count: 0 ..< 1 stands for the negative ones, whose mean is about -1.
    return Scores(
      zip(layer.weight.floats ?? [], product).map { weight, product in
        let value = weight * product
        return value < 0 ? 1 / (1 - value) : 1 + value
      })
  }
}

extension GradientSettings {
  /// Of the loss over up to 2048 samples, 32 at a time.
  public static var ofTheMeanLoss: GradientSettings { GradientSettings(count: 64, groupSize: 32) }
}

extension LayerStatistics {
  /// A statistic that a criterion requires.
  func tensor(
    _ statistic: CalibrationStatistic, for choice: String
  ) throws(CompressError) -> Tensor {
    guard let tensor = tensors[statistic] else {
      throw .missingStatistics(choice: choice, statistics: [statistic.rawValue])
    }
    return tensor
  }

  /// A multiple of the mean of the Fisher matrix's diagonal; where all gradients are zero, of 1.
  func damping(_ multiple: Double, for choice: String) throws(CompressError) -> Double {
    let scale = try tensor(.fisherScale, for: choice).doubles.first ?? 0
    return multiple * (scale > 0 && scale.isFinite ? scale : 1)
  }

  /// One number a weight.
  func floats(
    _ statistic: CalibrationStatistic, of layer: Layer, for choice: String
  ) throws(CompressError) -> [Float] {
    let tensor = try tensor(statistic, for: choice)
    guard let values = tensor.floats, values.count == layer.count else {
      throw .unsupportedLayer(
        name: layer.name,
        reason: "its \(statistic.rawValue) has \(tensor.count) numbers for \(layer.count) weights")
    }
    return values
  }
}
