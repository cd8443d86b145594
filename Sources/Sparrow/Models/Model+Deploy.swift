import SparrowCompress
import SparrowCore
import SparrowPasses

extension Model {
  /// The model as it is best stored and run: normalisation folded into weights, activations fused,
  /// and each weight in the smallest storage that keeps it exactly.
  ///
  /// Returns the passes that changed something beside it. `blockShape` is the pattern's, where
  /// weights were pruned in blocks.
  public func deployable(
    options: PassOptions = PassOptions(), blockShape: BlockShape? = nil
  ) throws(SparrowError) -> (model: Model, log: [PassLogEntry]) {
    var graph = graph
    let log = try rewrite(&graph, .deployment, options)
    graph = graph.encodingWeights(blockShape: blockShape)
    return (Model(graph: graph, path: path, isOptimized: true), log)
  }

  /// The model as it is run: with the passes of ``deployable(options:blockShape:)``, its weights
  /// stored as they were, or as bitmasks where passes changed sparse ones. Itself where it is
  /// optimised.
  public func optimized() throws(SparrowError) -> Model {
    if isOptimized { return self }
    var graph = graph
    try rewrite(&graph, .deployment, PassOptions())
    for value in self.graph.values { value.constant?.releasePages() }
    return Model(graph: graph, path: path, isOptimized: true)
  }

  /// The model with every weight in the smallest storage that keeps it, nothing else changed.
  public func encoded(blockShape: BlockShape? = nil) -> Model {
    Model(graph: graph.encodingWeights(blockShape: blockShape), path: path)
  }

  /// The model without identities, dead and duplicate nodes, and with constants computed; still of
  /// standard operators alone.
  public func cleaned() throws(SparrowError) -> Model {
    var graph = graph
    try rewrite(&graph, .cleanup, PassOptions())
    return Model(graph: graph, path: path)
  }

  @discardableResult
  func rewrite(
    _ graph: inout Graph, _ pipeline: [any Pass], _ options: PassOptions
  ) throws(SparrowError) -> [PassLogEntry] {
    do throws(PassError) {
      return try PassDriver(pipeline: pipeline, options: options).run(&graph)
    } catch {
      throw .passes(model: path, error)
    }
  }
}
