import SparrowCore

extension Pruning {
  /// Chooses channels, has the layers repaired with the weights that read them at zero, and cuts them
  /// out of the graph.
  mutating func pruneChannels(to fraction: Double) throws(CompressError) {
    let selected = try selection.layers(of: graph)
    let groups = ChannelGroups(graph)
    let fixed = fractions(of: groups, selected)
    guard groups.groups.indices.contains(where: { fixed[$0] != 0 }) else {
      throw .nothingToPrune(
        reason: groups.groups.isEmpty
          ? "no channel of the graph can be cut"
          : "all \(groups.groups.count) groups of channels are excluded or kept")
    }
    let choice = ChannelSelection(allocation is GlobalAllocation ? .global : .uniform)
    let scores = try channelScores(groups, selected, fixed, fraction)
    let cut = try choice.cut(groups, scores, fraction: fraction, fixed: fixed)
    let before = graph
    let masks = try graph.readerMasks(cut, of: groups)
    let errors = try maskReaders(masks, selected)
    // Still as wide as it was, so that all its activations can be compared.
    try repairWhole()
    // Repairs may have given layers biases, which lose channels too.
    let repaired = ChannelGroups(graph)
    guard repaired.groups.map({ $0.count }) == groups.groups.map({ $0.count }) else {
      throw .badCut(reason: "repairs changed what depends on them")
    }
    graph = try graph.removingChannels(cut, of: repaired)
    let touched = before.names(touchedBy: cut, of: groups)
    outcomes = selected.map { layer, role in
      LayerOutcome(
        name: layer.name, role: role,
        pattern: touched.contains(layer.name) ? pattern.name : nil, errors: errors[layer.name])
    }
    channels = groups.reports(of: cut, in: before)
  }

  /// The fractions of groups that have their own: 0 where a weight that makes or reads the channels
  /// is to be left alone by name, or one that makes them by kind.
  func fractions(
    of groups: ChannelGroups, _ selected: [(layer: Layer, role: LayerRole)]
  ) -> [Int: Double] {
    let roles = Dictionary(
      selected.map { ($0.layer.use.value, $0) }, uniquingKeysWith: { first, _ in first })
    var result: [Int: Double] = [:]
    for (i, group) in groups.groups.enumerated() {
      for (axes, makes) in [(group.makers, true), (group.readers, false)] {
        for axis in axes {
          guard let (layer, role) = roles[axis.place.value] else { continue }
          switch role {
          case .prunable: continue
          case .fixed(let own): if makes || own == 0 { result[i] = min(result[i] ?? own, own) }
          case .excluded(let reason):
            // Depthwise convolutions only pass on what others make.
            let isKind = LayerKind(rawValue: reason) != nil
            if isKind, !makes || layer.use.kind == .depthwise { continue }
            result[i] = 0
          }
        }
      }
    }
    return result
  }

  private func channelScores(
    _ groups: ChannelGroups, _ selected: [(layer: Layer, role: LayerRole)],
    _ fixed: [Int: Double], _ fraction: Double
  ) throws(CompressError) -> ChannelScores {
    switch try ChannelCriterion(criterion) {
    case .norm(let norm): return ChannelScores(norm, of: groups, in: graph)
    case .elimination: break
    }
    guard var run = calibration else {
      throw .missingStatistics(choice: criterion.name, statistics: ["each layer's inputs"])
    }
    let isGlobal = allocation is GlobalAllocation
    let most = groups.groups.indices.map { i in
      let count = groups.groups[i].count
      let share = fixed[i] ?? (isGlobal ? 1 : fraction)
      return share == 0 ? 0 : min(count - 1, Int((share * Double(count)).rounded(.up)))
    }
    let moments = ReaderMoments(groups, in: graph, most: most)
    let readers = moments.readers
    let tasks = selected.filter { readers.contains($0.layer.use.value) }.map { layer, _ in
      LayerwisePass.Task(layer: layer, sparsity: 0) { problem in
        moments.add(problem)
        return LayerwisePass.Solution(weights: problem.weights, errorBefore: 0, errorAfter: 0)
      }
    }
    // Nothing changes here: only what the repair finds is worth keeping.
    run.journal = nil
    run.progress = run.reporting(from: 0, to: 0.5)
    let pass = LayerwisePass(
      run: run, settings: settings, ridge: settings.ridge)
    _ = try pass.changes(of: graph, tasks) { moments.addUncalibrated($0) }
    let norms = ChannelScores(.l2, of: groups, in: graph)
    return ChannelScores(
      groups: zip(moments.scores, norms.groups).map { found, norm in found ?? norm })
  }

  /// Puts zeros where `masks` drop, layer after layer with repairs where there are any.
  private mutating func maskReaders(
    _ masks: [String: WeightMask], _ selected: [(layer: Layer, role: LayerRole)]
  ) throws(CompressError) -> [String: LayerErrors] {
    // What belongs to a criterion of second order is, for a mask of whole inputs, least squares.
    let repairs = repairs.compactMap { repair -> (any LayerwiseRepair)? in
      repair is OBSRepair ? LeastSquaresRepair() : repair as? any LayerwiseRepair
    }
    var errors: [String: LayerErrors] = [:]
    if !repairs.isEmpty {
      guard var run = calibration else {
        throw .missingStatistics(
          choice: repairs.map { $0.name }.joined(separator: ", "),
          statistics: ["each layer's inputs"])
      }
      let tasks = selected.compactMap { layer, role -> LayerwisePass.Task? in
        if case .excluded(let reason) = role, LayerKind(rawValue: reason) == nil { return nil }
        let mask = masks[layer.name]
        return LayerwisePass.Task(
          layer: layer,
          sparsity: mask.map { 1 - Double($0.keptCount) / Double(max(1, $0.count)) } ?? 0,
          solve: Self.solver(
            mask: mask, start: mask.map { $0.applied(to: layer.weight) }, repairs: repairs))
      }
      // Half of the work was done where data chose the channels.
      run.progress = run.reporting(from: criterion is any LayerwiseCriterion ? 0.5 : 0, to: 1)
      errors = try change(tasks, of: selected, run) { _ in }
    }
    for (layer, _) in selected where errors[layer.name] == nil {
      guard let mask = masks[layer.name] else { continue }
      graph[layer.use.value].constant = mask.applied(to: layer.weight)
    }
    return errors
  }
}

extension CalibrationRun {
  /// Reports the progress of a part of the work.
  fileprivate func reporting(
    from start: Double, to end: Double
  ) -> (CalibrationProgress) -> Void {
    { [progress] step in
      progress(
        CalibrationProgress(
          stage: step.stage, fraction: start + (end - start) * step.fraction))
    }
  }
}

extension Graph {
  /// The constants that lose indices.
  fileprivate func names(touchedBy cut: ChannelCut, of groups: ChannelGroups) -> Set<String> {
    var names = Set<String>()
    for (group, removed) in zip(groups.groups, cut.removed) where !removed.isEmpty {
      for axis in group.axes where self[axis.place.value].constant != nil {
        names.insert(self[axis.place.value].name)
      }
    }
    return names
  }
}

/// What a step cut of one group of channels.
public struct ChannelReport: Codable, Hashable, Sendable {
  /// The first node that makes the channels.
  public var group: String
  /// `channels` or `heads`.
  public var kind: ChannelGroup.Kind
  public var before: Int
  public var after: Int
  /// The nodes concerned, and what they do: `conv1 makes`, `bn1 passes`, `conv2 reads`.
  public var entries: [String]
}

extension ChannelGroups {
  func reports(of cut: ChannelCut, in graph: Graph) -> [ChannelReport] {
    zip(groups, cut.removed).map { group, removed in
      ChannelReport(
        group: group.name, kind: group.kind, before: group.count,
        after: group.count - removed.count,
        entries: group.entries.map { entry in
          let node = graph.nodes[entry.node]
          let name = node.name.isEmpty ? node.outputs.first.map { graph[$0].name } ?? "" : node.name
          return "\(name) \(entry.role.rawValue)"
        })
    }
  }
}
