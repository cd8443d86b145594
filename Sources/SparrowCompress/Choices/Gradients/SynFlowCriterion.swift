import SparrowCore

/// SynFlow: |w dR/dw| with R the sum of the outputs for an input of ones, through the network with
/// absolute weights; no data. (Tanaka et al., arXiv 2006.05467, algorithm 1.)
///
/// Weights go in rounds, the fraction kept falling exponentially, with new scores in each, so that no
/// layer is cut off before it must. A weight's score is the round in which it went; those that stay
/// come after, in the order of their last scores. So allocation by one threshold gives the published
/// masks at the sparsity that the scores were made for.
public struct SynFlowCriterion: NetworkCriterion {
  public var rounds: Int

  public init(rounds: Int = 100) { self.rounds = max(1, rounds) }
  public var name: String { "synflow" }
  public var requiredStatistics: Set<CalibrationStatistic> { [.synapticFlow] }

  public func scores(
    of layer: Layer, statistics: LayerStatistics
  ) throws(CompressError) -> Scores {
    Scores(try statistics.floats(.synapticFlow, of: layer, for: name))
  }

  public func statistics(
    of layers: [Layer], _ context: NetworkContext
  ) throws(CompressError) -> [String: LayerStatistics] {
    let flow = try SynapticFlow(
      context.graph, layers, sample: context.calibration?.data.batch(0..<1).map { $0.shape },
      threads: context.calibration?.threads ?? CalibrationRun.defaultThreads)
    let units = try flow.removalOrder(sparsity: context.sparsity, rounds: rounds)
    var result: [String: LayerStatistics] = [:]
    for (layer, order) in zip(layers, units) {
      result[layer.name] = LayerStatistics([
        .synapticFlow: Tensor(order, shape: layer.weight.shape)
      ])
    }
    return result
  }
}
