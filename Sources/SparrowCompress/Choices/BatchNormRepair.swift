import SparrowCore

/// The statistics of batch normalisation estimated anew on calibration data, one node after the other
/// in the compressed network: each channel's mean and variance over samples and positions.
/// (Frantar and Alistarh, "Optimal Brain Compression", arXiv 2208.11580, section 6.)
public struct BatchNormRepair: NetworkRepair {
  public init() {}
  public var name: String { "batch-norm" }

  public func repaired(
    _ graph: Graph, _ original: Graph, _ run: CalibrationRun, _ settings: CalibrationSettings
  ) throws(CompressError) -> Graph {
    let batches = try Batches(run.data, of: graph, most: settings.batch)
    let concrete = try graph.specialized(to: batches)
    let budget = ActivationStore.Budget(limit: run.memory, folder: run.folder)
    let stream = ActivationStream(
      concrete, batches: batches.count, threads: run.threads, budget: budget)
    for batch in 0..<batches.count { try stream.begin(batches.inputs(batch), batch: batch) }
    var result = graph
    var found = 0
    for (i, node) in concrete.nodes.enumerated() {
      guard case .batchNormalization(let op) = node.op, !op.isTraining,
        let input = node.input(0), let mean = node.input(3), let variance = node.input(4),
        let old = concrete[mean].constant, let spread = concrete[variance].constant
      else { continue }
      try stream.advance(to: i)
      let statistics = try ChannelStatistics(stream, input, channels: old.count)
      let means = Tensor(old.dtype, old.shape, doubles: statistics.means)
      let variances = Tensor(spread.dtype, spread.shape, doubles: statistics.variances)
      for (id, tensor) in [(mean, means), (variance, variances)] {
        stream.replace(id, with: tensor)
        result[id].constant = tensor
      }
      found += 1
      run.progress(
        CalibrationProgress(
          stage: node.name, fraction: Double(i) / Double(concrete.nodes.count)))
    }
    guard found > 0 else {
      throw .conflict(
        "repair \(name): the network has no batch normalisation left, it is part of the weights; "
          + "mean-variance does the same for every layer")
    }
    return result
  }
}
