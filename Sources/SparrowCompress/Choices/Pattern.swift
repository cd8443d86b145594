import SparrowCore

/// Which zeros stand together: it groups a layer's weights into units that are kept or dropped as a
/// whole, and says which units may go.
public protocol Pattern: Sendable {
  /// The name on the command line, in recipes and in reports: `unstructured`, `2:4`, `1x4`.
  var name: String { get }
  /// The number of weights the pattern itself drops from a layer, whatever the target; nil where an
  /// allocation decides.
  func fixedDropCount(in view: WeightView) -> Int?
  /// The scores of the layer's units from those of its weights (row-major).
  func units(of scores: Scores, view: WeightView) -> UnitScores
  /// The mask that drops the lowest-scored units, `dropCount` weights in all, to the nearest unit.
  /// Of equal scores the lower index goes first.
  func mask(_ units: UnitScores, view: WeightView, dropping dropCount: Int) -> WeightMask
  /// How an encoder may keep the pattern's zeros beyond the general variants; nil for nothing.
  var blockShape: BlockShape? { get }
}

extension Pattern {
  public func fixedDropCount(in view: WeightView) -> Int? { nil }
  public var blockShape: BlockShape? { nil }
}

/// `outputs` neighbouring outputs x `inputs` neighbouring inputs at one position.
public struct BlockShape: Hashable, Sendable {
  public var outputs: Int
  public var inputs: Int
  public init(outputs: Int, inputs: Int) { (self.outputs, self.inputs) = (outputs, inputs) }
  public var name: String { "\(outputs)x\(inputs)" }
}
