import ArgumentParser
import Foundation
import Sparrow

/// The choices of `compress`, as flags or as a recipe file.
struct PruningOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A recipe (YAML); replaces all flags below.", valueName: "file"))
  var recipe: String?

  @Option(help: "The fraction of weights to drop, 0 up to 1.")
  var sparsity: Double?

  @OptionGroup var targets: TargetOptions

  @Option(
    help: ArgumentHelp(
      "How weights are scored: \(names(Choices.criteria.map { $0.name })) "
        + "(default: magnitude; with --calibration sparsegpt)."))
  var criterion: String?

  @Option(
    help: ArgumentHelp(
      "How sparse each layer gets: \(names(Choices.allocations.map { $0.name })) "
        + "(default: global; with --calibration sensitivity)."))
  var allocation: String?

  @Option(help: "Which zeros stand together: \(names(Choices.patterns)).")
  var pattern: String?

  @Option(
    help: ArgumentHelp(
      "What the remaining weights do about it, one or more in order: \(repairs) "
        + "(default: the criterion's own; with --calibration and no --criterion "
        + "obs,least-squares).", valueName: "repair,..."))
  var repair: String?

  @Option(help: "Not available yet.")
  var quantize: String?

  @Option(
    help: ArgumentHelp(
      "Weights or nodes to leave alone; may be repeated. Also a kind: depthwise, first, last.",
      valueName: "glob"))
  var exclude: [String] = []

  @Option(
    help: ArgumentHelp(
      "A kind to prune though it is left alone by default: depthwise.",
      valueName: "kind"))
  var include: [String] = []

  private static var repairs: String {
    names([Choices.noRepair] + Choices.repairs.map { $0.name })
  }

  private static func names(_ list: [String]) -> String { list.joined(separator: ", ") }

  /// The recipe that the flags or the file describe; flags that are not given depend on whether there
  /// is data to learn from.
  func chosenRecipe(isCalibrated: Bool) throws(SparrowError) -> Recipe {
    try checkAvailability()
    if let recipe {
      guard !hasFlags else {
        throw .badSetting("--recipe replaces the other flags of pruning; give one or the other")
      }
      return try Recipe(file: recipe)
    }
    let target = try targets.target()
    guard sparsity != nil || target != nil || pattern != nil else {
      throw .badSetting(
        "say how sparse: --sparsity 0.9, or a target (--target-flops 0.3x), or a pattern that does "
          + "(--pattern 2:4), or --recipe FILE")
    }
    let step = try step(target)
    let isOpen = criterion == nil && repair == nil
    return Recipe(prune: isCalibrated && isOpen ? step.calibrated : step)
  }

  private var hasFlags: Bool {
    sparsity != nil || targets.targetFlops != nil || targets.targetSize != nil
      || targets.targetLatency != nil || criterion != nil || allocation != nil || pattern != nil
      || repair != nil
      || !exclude.isEmpty || !include.isEmpty
  }

  private func step(_ target: CompressionTarget?) throws(SparrowError) -> PruneStep {
    var step = PruneStep(sparsity: sparsity, target: target, allocation: allocation)
    if let criterion { step.criterion = criterion }
    if let pattern { step.pattern = pattern }
    if let repair { step.repair = repair.split(separator: ",").map(String.init) }
    for name in exclude {
      if let kind = LayerKind(rawValue: name) {
        step.excludeKinds.insert(kind)
      } else {
        step.exclude.append(name)
      }
    }
    for name in include {
      guard let kind = LayerKind(rawValue: name) else {
        let known = LayerKind.allCases.map { $0.rawValue }.joined(separator: ", ")
        throw .badSetting("--include: there is no kind '\(name)', expected one of \(known)")
      }
      step.excludeKinds.remove(kind)
    }
    return step
  }

  private func checkAvailability() throws(SparrowError) {
    if let quantize {
      throw .unavailable("--quantize \(quantize) is not available yet; leave it out")
    }
  }
}
