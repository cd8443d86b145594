import SparrowCore

/// A criterion that learns from the whole network before it scores its layers one by one.
public protocol NetworkCriterion: Criterion {
  /// What ``Criterion/requiredStatistics`` names, of each of `layers`, by name.
  func statistics(
    of layers: [Layer], _ context: NetworkContext
  ) throws(CompressError) -> [String: LayerStatistics]
}

/// The network that a criterion learns from, and with what.
public struct NetworkContext {
  /// As it is now: layers' weights are its constants.
  public var graph: Graph
  /// As it was before anything was dropped: what predicts classes where the data has none.
  public var original: Graph
  /// The fraction of the layers' weights that is to go.
  public var sparsity: Double
  public var calibration: CalibrationRun?

  public init(
    graph: Graph, original: Graph, sparsity: Double, calibration: CalibrationRun? = nil
  ) {
    (self.graph, self.original) = (graph, original)
    (self.sparsity, self.calibration) = (sparsity, calibration)
  }
}

extension GradientCriterion {
  public func statistics(
    of layers: [Layer], _ context: NetworkContext
  ) throws(CompressError) -> [String: LayerStatistics] {
    guard let run = context.calibration else {
      throw .missingStatistics(
        choice: name, statistics: requiredStatistics.map { $0.rawValue }.sorted())
    }
    let source = try GradientStatistics(run, predictingBy: context.original)
    return try source.statistics(for: self, of: layers, in: context.graph)
  }
}
