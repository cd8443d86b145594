import SparrowCore

/// How much each weight of a layer matters.
public protocol Criterion: Sendable {
  /// The name on the command line, in recipes and in reports.
  var name: String { get }
  /// What it must know beyond the weights.
  var requiredStatistics: Set<CalibrationStatistic> { get }
  /// One score a weight, row-major; only magnitudes count, and the lowest go first.
  ///
  /// `statistics` holds everything ``requiredStatistics`` names.
  func scores(of layer: Layer, statistics: LayerStatistics) throws(CompressError) -> Scores
}

extension Criterion {
  public var requiredStatistics: Set<CalibrationStatistic> { [] }
}

/// What calibration data tells about a layer.
public enum CalibrationStatistic: String, CaseIterable, Hashable, Sendable {
  /// The L2 norm of each input over all samples and positions: `[inputs]`.
  case inputNorms = "input norms"
  /// The matrix 2XX^T of the layer's inputs: `[inputs * positions, inputs * positions]`.
  case inputProducts = "input products"
  /// One gradient a sample: `[samples, weights]`.
  case gradients
}

/// The calibration statistics of one layer; empty for data-free methods.
public struct LayerStatistics: Sendable {
  public var tensors: [CalibrationStatistic: Tensor]
  public init(_ tensors: [CalibrationStatistic: Tensor] = [:]) { self.tensors = tensors }
}

/// |w|, the magnitude criterion. Existing zeros score lowest and so go first.
public struct MagnitudeCriterion: Criterion {
  public init() {}
  public var name: String { "magnitude" }
  public func scores(
    of layer: Layer, statistics: LayerStatistics
  ) throws(CompressError) -> Scores {
    Scores(magnitudesOf: layer.weight)
  }
}
