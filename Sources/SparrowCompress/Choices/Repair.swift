import SparrowCore

/// What the surviving weights of a layer do about the lost ones.
public protocol Repair: Sendable {
  /// The name on the command line, in recipes and in reports.
  var name: String { get }
  /// What it must know beyond the weights.
  var requiredStatistics: Set<CalibrationStatistic> { get }
  /// The layer's new weight: `layer.weight` is still whole, and the result must be zero where `mask`
  /// drops. `statistics` holds everything ``requiredStatistics`` names.
  func repaired(
    _ layer: Layer, mask: WeightMask, statistics: LayerStatistics
  ) throws(CompressError) -> Tensor
}

extension Repair {
  public var requiredStatistics: Set<CalibrationStatistic> { [] }
}

/// The survivors keep their values.
public struct NoRepair: Repair {
  public init() {}
  public var name: String { "none" }
  public func repaired(
    _ layer: Layer, mask: WeightMask, statistics: LayerStatistics
  ) throws(CompressError) -> Tensor {
    mask.applied(to: layer.weight)
  }
}
