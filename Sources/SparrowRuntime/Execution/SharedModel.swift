import SparrowCore

/// A graph and what all sessions that run it share: its folded form, and its weights as the kernels read them,
/// which whichever session needs them first packs. Safe to use from several threads.
public final class SharedModel: Sendable {
  let graph: Graph
  let options: SessionOptions
  let weights: SharedWeights

  private init(folded graph: Graph, _ options: SessionOptions) {
    (self.graph, self.options) = (graph, options)
    weights = SharedWeights(
      of: graph.values.compactMap { $0.constant.map(TensorIdentity.init) }, WeightCache(options))
  }

  /// Verifies and folds the graph. Throws ``RuntimeError`` when it breaks a rule.
  public convenience init(
    _ graph: Graph, options: SessionOptions = SessionOptions()
  ) throws(RuntimeError) {
    self.init(folded: try graph.verifiedAndFolded(), options)
  }
}

/// The packed weights that a model's own constants make. What a session derives from them it packs for itself, so
/// that sessions that come and go leave nothing behind.
final class SharedWeights: Sendable {
  private let tensors: Set<TensorIdentity>
  let cache: WeightCache

  init(of tensors: [TensorIdentity], _ cache: WeightCache) {
    (self.tensors, self.cache) = (Set(tensors), cache)
  }

  func holds(_ tensor: TensorIdentity) -> Bool { tensors.contains(tensor) }
}

extension Graph {
  func verifiedAndFolded() throws(RuntimeError) -> Graph {
    do throws(GraphError) { try verify() } catch { throw .graph(error) }
    return try folded()
  }
}
