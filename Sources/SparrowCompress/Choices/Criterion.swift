import SparrowCore

/// How much each weight of a layer matters.
public protocol Criterion: Sendable {
  /// The name on the command line, in recipes and in reports.
  var name: String { get }
  /// What it must know beyond the weights.
  var requiredStatistics: Set<CalibrationStatistic> { get }
  /// The repair that belongs to it, where a recipe names none.
  var defaultRepair: [String] { get }
  /// One score a weight, row-major; only magnitudes count, and the lowest go first.
  ///
  /// `statistics` holds everything ``requiredStatistics`` names.
  func scores(of layer: Layer, statistics: LayerStatistics) throws(CompressError) -> Scores
}

extension Criterion {
  public var requiredStatistics: Set<CalibrationStatistic> { [] }
  public var defaultRepair: [String] { [] }
}

/// A criterion that models the loss as a quadratic and so knows what the survivors should become.
public protocol UpdatingCriterion: Criterion {
  /// The layer's weight with zeros where `mask` drops, and the best change of the others.
  func updated(
    _ layer: Layer, mask: WeightMask, statistics: LayerStatistics
  ) throws(CompressError) -> Tensor
}

/// A criterion that looks at a layer once the layers before it are compressed, and chooses its mask
/// together with its new weights.
///
/// Its ``Criterion/scores(of:statistics:)`` serve allocations only: weights' magnitudes.
public protocol LayerwiseCriterion: Criterion {
  /// The mask that drops `count` weights in units of `pattern`, and the weights for it.
  func pruned(
    _ problem: LayerProblem, pattern: any Pattern, dropping count: Int
  ) throws(CompressError) -> (mask: LayerMask, weights: LayerWeights)
}

extension LayerwiseCriterion {
  public var defaultRepair: [String] { [OBSRepair().name] }

  public func scores(
    of layer: Layer, statistics: LayerStatistics
  ) throws(CompressError) -> Scores {
    Scores(magnitudesOf: layer.weight)
  }
}

/// What calibration data tells about a layer.
public enum CalibrationStatistic: String, CaseIterable, Hashable, Sendable {
  /// Gradients of the loss: `[gradients, weights]`.
  case gradients
  /// Their mean, of the weight's shape.
  case meanGradient = "mean gradient"
  /// The mean of their squares, of the weight's shape.
  case meanSquaredGradient = "mean squared gradient"
  /// The means of their outer products within blocks of neighbouring weights, row-major:
  /// `[blocks, size, size]`; zeros where the last block is shorter.
  case fisherBlocks = "blocks of the Fisher matrix"
  /// The mean of the squared gradients over the weights of all layers: one number.
  case fisherScale = "mean of the Fisher matrix's diagonal"
  /// The product of the loss's Hessian with the mean gradient, of the weight's shape; scaled for all
  /// layers alike.
  case hessianGradient = "product of Hessian and gradient"
  /// What SynFlow makes of the whole network: see ``SynFlowCriterion``. Of the weight's shape.
  case synapticFlow = "synaptic flow"
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
