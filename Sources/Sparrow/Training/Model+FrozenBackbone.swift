import SparrowCompress
import SparrowCore
import SparrowTrain

extension Model {
  /// Trains the last linear layer alone. What it reads is computed once for every sample and kept in
  /// memory: running statistics of batch normalisations are used as they are.
  func trainedHead(
    _ settings: TrainingSettings, _ data: SampleSource, _ held: SampleSource?, _ run: TrainingRun
  ) throws(SparrowError) -> TrainingResult {
    let parts: FrozenBackbone
    do throws(TrainError) {
      parts = try FrozenBackbone(graph)
    } catch {
      throw .training(model: path, error)
    }
    let source = try FeatureSource(Model(graph: parts.backbone, path: path), threads: run.threads)
    try source.check(data, held, limit: run.memory)
    let learnt = try source.features(of: data)
    let measured = try held.map { (held) throws(SparrowError) in try source.features(of: held) }
    do throws(TrainError) {
      var result = try Trainer(
        parts.head, data: learnt, held: measured, settings: settings, run: run
      ).train()
      result.graph = parts.network(with: result.graph)
      let sparsity = result.graph.weightSparsity
      for i in result.history.indices { result.history[i].sparsity = sparsity }
      return result
    } catch {
      throw .training(model: path, error)
    }
  }
}

extension Graph {
  /// The fraction of zeros in the weights of convolutions and matrix products.
  fileprivate var weightSparsity: Double {
    var (zeros, all) = (0, 0)
    for use in weights() {
      guard let tensor = self[use.value].constant else { continue }
      zeros += tensor.count - tensor.nonzeroCount
      all += tensor.count
    }
    return all == 0 ? 0 : Double(zeros) / Double(all)
  }
}
