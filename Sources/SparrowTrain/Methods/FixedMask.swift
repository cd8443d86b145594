import SparrowCompress
import SparrowCore

/// Training under a mask that never changes: of the zeros that the network has (it was pruned before:
/// one-shot pruning and fine-tuning), or of a choice made before the first step (random weights by ERK:
/// static sparse training).
public struct FixedMask: SparsityMethod {
  public let name: String
  /// nil: the network's own zeros stay.
  private let mask: MaskSettings?
  private let selection: LayerSelection

  /// Keeps the network's own zeros, in the weights that `selection` does not exclude.
  public init(selection: LayerSelection = LayerSelection()) {
    (name, mask, self.selection) = ("fixed", nil, selection)
  }

  /// Chooses a mask before the first step.
  public init(choosing mask: MaskSettings, name: String = "fixed") {
    (self.name, self.mask, selection) = (name, mask, mask.selection)
  }

  public func keepsMasks(_ run: TrainingContext) -> Bool { true }

  public mutating func begin(_ run: TrainingContext) throws(TrainError) {
    if let mask {
      let choice = try MaskChoice(mask, of: run)
      run.setMasks(try choice.masks(of: run, sparsity: choice.target))
      return
    }
    let choice = try MaskChoice(MaskSettings(sparsity: 0, selection: selection), of: run)
    var masks: [Int: WeightMask] = [:]
    for entry in choice.entries {
      let mask = WeightMask.keepingNonzeros(run.parameters[entry.parameter])
      if mask.keptCount < mask.count { masks[entry.parameter] = mask }
    }
    run.setMasks(masks)
  }
}
