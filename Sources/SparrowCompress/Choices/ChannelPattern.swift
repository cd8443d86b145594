import SparrowCore

/// Whole channels, which are cut out of the graph: see ``ChannelGroups`` for what a channel is.
///
/// A sparsity is the fraction of channels that each group loses (uniform allocation), or that all
/// lose together (global). What channels a layer can lose follows from the graph, not from the layer:
/// for one weight alone, a unit is one of its inputs.
public struct ChannelPattern: Pattern {
  public init() {}
  public var name: String { "channels" }

  public func units(of scores: Scores, view: WeightView) -> UnitScores {
    BlockPattern(Self.shape(view)).units(of: scores, view: view)
  }

  public func mask(_ units: UnitScores, view: WeightView, dropping dropCount: Int) -> WeightMask {
    BlockPattern(Self.shape(view)).mask(units, view: view, dropping: dropCount)
  }

  private static func shape(_ view: WeightView) -> BlockShape {
    BlockShape(outputs: max(1, view.outputs), inputs: 1)
  }
}
