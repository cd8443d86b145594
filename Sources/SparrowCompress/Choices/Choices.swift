/// The implementations of the five choices by name. Adding one: write it in a file of its own, list
/// it here, test it.
public enum Choices {
  public static let criteria: [any Criterion] = [
    MagnitudeCriterion(), RandomCriterion(), WandaCriterion(), SparseGPTCriterion(),
    ExactOBSCriterion(), TaylorCriterion(), SNIPCriterion(), GraSPCriterion(), SynFlowCriterion(),
    DiagonalFisherCriterion(), BlockFisherCriterion(), MFACCriterion(),
  ]
  public static let allocations: [any Allocation] = [
    UniformAllocation(), UniformPlusAllocation(), GlobalAllocation(), ERKAllocation(),
    LAMPAllocation(), SensitivityAllocation(),
  ]
  public static let repairs: [any Repair] = [
    OBSRepair(), LeastSquaresRepair(), AdaPruneRepair(), MeanVarianceRepair(), BiasRepair(),
    BatchNormRepair(), GlobalAdaPruneRepair(),
  ]
  public static let schedules: [any Schedule] = [
    OneShotSchedule(), RoundsSchedule(4), RoundsSchedule(8), RoundsSchedule(16),
  ]
  /// How patterns are written, for messages and help.
  public static let patterns = [
    "unstructured", "N:M as in 2:4", "RxC as in 1x4, 4x1, 4x4", "channels (cut out of the graph)",
  ]

  public static func criterion(_ name: String) throws(CompressError) -> any Criterion {
    for choice in criteria where choice.name == name { return choice }
    throw .unknownChoice(kind: "criterion", name: name, available: criteria.map { $0.name })
  }

  public static func allocation(_ name: String) throws(CompressError) -> any Allocation {
    for choice in allocations where choice.name == name { return choice }
    throw .unknownChoice(kind: "allocation", name: name, available: allocations.map { $0.name })
  }

  /// The repairs of a list, in its order; `none` alone is no repair.
  public static func repairs(
    _ names: [String], for criterion: any Criterion
  ) throws(CompressError) -> [any Repair] {
    var result: [any Repair] = []
    for name in names where names != [noRepair] {
      guard let choice = repairs.first(where: { $0.name == name }) else {
        throw .unknownChoice(
          kind: "repair", name: name, available: [noRepair] + repairs.map { $0.name })
      }
      if choice is OBSRepair, !(criterion is any UpdatingCriterion),
        !(criterion is any LayerwiseCriterion)
      {
        throw .conflict(
          "repair \(name) needs a criterion that knows the best change of the survivors; "
            + "\(criterion.name) does not")
      }
      if choice is OBSRepair, !result.isEmpty {
        throw .conflict("repair \(name) is made together with the mask; name it first")
      }
      if let network = result.last, network is any NetworkRepair, choice is any LayerwiseRepair {
        throw .conflict(
          "repair \(network.name) is made on the whole network after the layers; name \(name) "
            + "before it")
      }
      result.append(choice)
    }
    return result
  }

  public static let noRepair = "none"

  public static func schedule(_ name: String) throws(CompressError) -> any Schedule {
    for choice in schedules where choice.name == name { return choice }
    throw .unknownChoice(kind: "schedule", name: name, available: schedules.map { $0.name })
  }

  /// `unstructured`; `N:M`, N kept of M neighbouring inputs (N < M <= 64); `RxC`, blocks of R
  /// outputs x C inputs (each 1 to 256, not 1x1); `channels`.
  public static func pattern(_ name: String) throws(CompressError) -> any Pattern {
    if name == UnstructuredPattern().name { return UnstructuredPattern() }
    if name == ChannelPattern().name { return ChannelPattern() }
    if let (n, m) = pair(name, separator: ":"), n >= 1, n < m, m <= NMPattern.largestGroup {
      return NMPattern(kept: n, of: m)
    }
    if let (r, c) = pair(name, separator: "x"), (1...256).contains(r), (1...256).contains(c),
      r * c > 1
    {
      return BlockPattern(BlockShape(outputs: r, inputs: c))
    }
    throw .unknownChoice(kind: "pattern", name: name, available: patterns)
  }

  private static func pair(_ text: String, separator: Character) -> (Int, Int)? {
    let parts = text.split(separator: separator, omittingEmptySubsequences: false)
    guard parts.count == 2, let a = Int(parts[0]), let b = Int(parts[1]) else { return nil }
    return (a, b)
  }
}
