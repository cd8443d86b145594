import SparrowCompress
import SparrowCore
import SparrowPasses

/// How masks are chosen, by the names that ``SparrowCompress/Choices`` knows.
public struct MaskSettings: Hashable, Sendable {
  /// The fraction of the prunable weights that is zero in the end; nil where the pattern says (N:M).
  public var sparsity: Double?
  public var criterion: String
  public var allocation: String
  public var pattern: String
  public var selection: LayerSelection

  public init(
    sparsity: Double? = nil, criterion: String = "magnitude", allocation: String = "global",
    pattern: String = "unstructured", selection: LayerSelection = LayerSelection()
  ) {
    (self.sparsity, self.criterion, self.allocation) = (sparsity, criterion, allocation)
    (self.pattern, self.selection) = (pattern, selection)
  }
}

/// Chooses masks of a run's weights as they are at that moment.
public struct MaskChoice {
  /// A weight that may be pruned.
  public struct Entry: Sendable {
    public var layer: Layer
    /// Its index among the parameters.
    public var parameter: Int
    /// Its own sparsity, outside the target.
    public var own: Double?
  }

  public let entries: [Entry]
  /// The sparsity in the end.
  public let target: Double
  private let criterion: any Criterion
  private let allocation: any Allocation
  private let pattern: any Pattern

  /// Throws for unknown names, a missing sparsity, and networks without a trained weight to prune.
  public init(_ settings: MaskSettings, of run: TrainingContext) throws(TrainError) {
    do throws(CompressError) {
      let named = try Choices.criterion(settings.criterion)
      criterion =
        (named as? any SeededCriterion)?.seeded(run.settings.seed) ?? named
      allocation = try Choices.allocation(settings.allocation)
      pattern = try Choices.pattern(settings.pattern)
      entries = try Self.entries(settings.selection, run)
    } catch {
      throw .pruning(error)
    }
    target = try Self.target(settings, pattern)
    guard !(pattern is ChannelPattern) else {
      throw .setting("training does not cut channels: compress by channels first, then train")
    }
    guard !(criterion is any LayerwiseCriterion) else {
      throw .setting(
        "criterion \(criterion.name) chooses weights layer by layer from samples: prune by it before "
          + "training (a recipe's steps) and train with method fixed")
    }
  }

  private static func entries(
    _ selection: LayerSelection, _ run: TrainingContext
  ) throws(CompressError) -> [Entry] {
    var indices: [ValueID: Int] = [:]
    for (i, parameter) in run.network.parameters.enumerated() { indices[parameter.value] = i }
    var result: [Entry] = []
    for (layer, role) in try selection.layers(of: run.network.source) {
      guard let parameter = indices[layer.use.value] else { continue }
      switch role {
      case .excluded, .fixed(sparsity: 0): continue
      case .prunable: result.append(Entry(layer: layer, parameter: parameter))
      case .fixed(let own): result.append(Entry(layer: layer, parameter: parameter, own: own))
      }
    }
    guard !result.isEmpty else {
      throw .nothingToPrune(reason: "every weight is excluded, kept dense or frozen")
    }
    // What they hold changes; the memory is the run's own.
    for i in result.indices {
      result[i].layer.weight = run.parameters.tensors[result[i].parameter]
    }
    return result
  }

  private static func target(
    _ settings: MaskSettings, _ pattern: any Pattern
  ) throws(TrainError) -> Double {
    if let fixed = pattern as? NMPattern { return fixed.sparsity }
    guard let sparsity = settings.sparsity else {
      throw .setting("say how sparse the network is to become: a sparsity such as 0.9")
    }
    guard (0..<1).contains(sparsity) else {
      throw .pruning(.badSparsity(found: sparsity, place: "the sparsity"))
    }
    return sparsity
  }

  /// The masks, by parameter, that drop the fraction `sparsity` of the weights as they are now; weights
  /// with a sparsity of their own lose the same share of it as the others of ``target``.
  public func masks(
    of run: TrainingContext, sparsity: Double
  ) throws(TrainError) -> [Int: WeightMask] {
    let statistics = try statistics(run, sparsity: sparsity)
    var scores: [Scores] = []
    do throws(CompressError) {
      for entry in entries {
        scores.append(
          try criterion.scores(
            of: entry.layer, statistics: statistics[entry.layer.name] ?? LayerStatistics()))
      }
    } catch {
      throw .pruning(error)
    }
    return try masks(scores: scores, sparsity: sparsity)
  }

  /// The same by other scores than the criterion's, one set an entry.
  func masks(scores: [Scores], sparsity: Double) throws(TrainError) -> [Int: WeightMask] {
    let scored = zip(entries, scores).map { entry, scores in
      ScoredLayer(
        layer: entry.layer, units: pattern.units(of: scores, view: entry.layer.use.view))
    }
    let counts = try dropCounts(scored, sparsity: sparsity)
    var result: [Int: WeightMask] = [:]
    for (i, entry) in entries.enumerated() {
      let view = entry.layer.use.view
      let count = pattern.fixedDropCount(in: view) ?? counts[i]
      result[entry.parameter] = pattern.mask(scored[i].units, view: view, dropping: count)
    }
    return result
  }

  private func dropCounts(
    _ scored: [ScoredLayer], sparsity: Double
  ) throws(TrainError) -> [Int] {
    let shared = entries.indices.filter { entries[$0].own == nil }
    var result = [Int](repeating: 0, count: entries.count)
    if !shared.isEmpty {
      do throws(CompressError) {
        let counts = try allocation.dropCounts(shared.map { scored[$0] }, sparsity: sparsity)
        for (i, count) in zip(shared, counts) { result[i] = count }
      } catch {
        throw .pruning(error)
      }
    }
    let share = target > 0 ? min(1, sparsity / target) : 1
    for (i, entry) in entries.enumerated() {
      guard let own = entry.own else { continue }
      let count = Double(entry.layer.count)
      result[i] = Int((own * share * count).rounded(.toNearestOrAwayFromZero))
    }
    return result
  }

  private func statistics(
    _ run: TrainingContext, sparsity: Double
  ) throws(TrainError) -> [String: LayerStatistics] {
    guard let learning = criterion as? any NetworkCriterion else { return [:] }
    let graph = run.exportedGraph()
    var layers = entries.map { $0.layer }
    for i in layers.indices {
      layers[i].weight = graph[layers[i].use.value].constant ?? layers[i].weight
    }
    do throws(CompressError) {
      return try learning.statistics(
        of: layers,
        NetworkContext(
          graph: graph, original: graph, sparsity: sparsity,
          calibration: CalibrationRun(run.data, threads: run.threads)))
    } catch {
      throw .pruning(error)
    }
  }
}
