import SparrowCore

/// A kind of weights that can be left out of pruning as a whole.
public enum LayerKind: String, Codable, CaseIterable, Hashable, Sendable {
  /// Convolutions with one input channel an output channel.
  case depthwise
  /// The first weight of the graph, in execution order.
  case first
  /// The last weight of the graph: usually the classifier.
  case last
}

/// A sparsity of its own for the weights a glob matches.
public struct LayerOverride: Hashable, Sendable {
  /// Compared with the weight's name and with its node's.
  public var match: String
  /// The fraction of that weight's elements to drop; 0 keeps it dense.
  public var sparsity: Double

  public init(match: String, sparsity: Double) { (self.match, self.sparsity) = (match, sparsity) }
}

/// Which weights of a graph are pruned.
///
/// The first override that matches a weight decides; else an exclusion by name or by kind leaves it
/// alone; else it is prunable. The target sparsity is a fraction of the prunable weights alone.
public struct LayerSelection: Hashable, Sendable {
  /// Globs of weights or nodes to leave alone.
  public var exclude: [String]
  public var excludedKinds: Set<LayerKind>
  public var overrides: [LayerOverride]

  public init(
    exclude: [String] = [], excludedKinds: Set<LayerKind> = [.depthwise],
    overrides: [LayerOverride] = []
  ) {
    (self.exclude, self.excludedKinds) = (exclude, excludedKinds)
    self.overrides = overrides
  }

  /// Every weight of the graph with its role, in execution order.
  ///
  /// Throws when a glob matches no weight at all: a mistyped name must not go unnoticed.
  public func layers(
    of graph: Graph
  ) throws(CompressError) -> [(layer: Layer, role: LayerRole)] {
    let layers = graph.layers()
    guard !layers.isEmpty else {
      throw .nothingToPrune(reason: "the graph has no convolution or matrix product with weights")
    }
    let globs = exclude.map { Glob($0) }
    let overrides = self.overrides.map { (glob: Glob($0.match), sparsity: $0.sparsity) }
    for override in overrides where !(0..<1).contains(override.sparsity) {
      throw .badSparsity(
        found: override.sparsity, place: "the sparsity of '\(override.glob.pattern)'")
    }
    for glob in globs + overrides.map({ $0.glob }) where !layers.contains(where: glob.matches) {
      throw .noSuchWeight(
        glob: glob.pattern,
        closest: ClosestNames.of(glob.pattern, among: layers.flatMap { $0.names }))
    }
    return layers.map { layer in
      let own = overrides.first { $0.glob.matches(layer) }?.sparsity
      let role = own.map { LayerRole.fixed(sparsity: $0) } ?? exclusion(of: layer, globs)
      return (layer, role)
    }
  }

  private func exclusion(of layer: Layer, _ globs: [Glob]) -> LayerRole {
    if let glob = globs.first(where: { $0.matches(layer) }) {
      return .excluded(reason: "'\(glob.pattern)'")
    }
    if excludedKinds.contains(.depthwise), layer.use.kind == .depthwise {
      return .excluded(reason: LayerKind.depthwise.rawValue)
    }
    if excludedKinds.contains(.first), layer.isFirst {
      return .excluded(reason: LayerKind.first.rawValue)
    }
    if excludedKinds.contains(.last), layer.isLast {
      return .excluded(reason: LayerKind.last.rawValue)
    }
    return .prunable
  }
}

extension Layer {
  /// What globs are compared with.
  var names: [String] { node.isEmpty || node == name ? [name] : [name, node] }
}

extension Glob {
  func matches(_ layer: Layer) -> Bool { layer.names.contains { matches($0) } }
}

extension Graph {
  /// The graph's weights as layers, dense, in execution order.
  func layers() -> [Layer] {
    let uses = weights()
    return uses.enumerated().compactMap { i, use in
      guard let tensor = self[use.value].constant, tensor.count > 0 else { return nil }
      return Layer(
        name: self[use.value].name, node: nodes[use.node].name, use: use, weight: tensor.dense(),
        isFirst: i == 0, isLast: i == uses.count - 1)
    }
  }
}
