import SparrowCompress
import SparrowCore
import SparrowPasses
import SparrowTrain

/// A trained model and how it got there.
public struct TrainedModel: Sendable {
  /// Made of standard operators; pruned weights are dense with zeros.
  public var model: Model
  /// One an epoch.
  public var history: [EpochMetrics]
  /// How pruned weights may be stored in blocks; nil where nothing is pruned in blocks.
  public var blockShape: BlockShape?
}

extension Model {
  /// The model pruned by the recipe's steps, if there are any, and trained as it says.
  ///
  /// Batch normalisation is trained as it stands in the file: convert networks of files that have it
  /// folded into their weights before, if it is to be trained. `held` is only measured on. `teacher`
  /// is what the recipe's distillation learns from.
  public func trained(
    _ recipe: TrainRecipe, data: SampleSource, held: SampleSource? = nil, teacher: Model? = nil,
    run: TrainingRun = TrainingRun()
  ) throws(SparrowError) -> TrainedModel {
    var start = self
    var blockShape: BlockShape?
    if let pruning = recipe.pruning {
      let pruned = try compressed(
        pruning, calibration: CalibrationRun(data, threads: run.threads))
      (start, blockShape) = (pruned.model, pruned.blockShape)
    }
    var graph = try start.cleaned().graph
    try rewrite(&graph, [ConstantFolding(expandsWeights: true)], PassOptions())
    let taught = try teacher?.cleaned().graph
    do throws(TrainError) {
      let pattern = recipe.method.pattern
      if let pattern { blockShape = (try? Choices.pattern(pattern))?.blockShape ?? blockShape }
      let result = try Trainer(
        graph, data: data, held: held, settings: recipe.training,
        method: try recipe.method.method(), teacher: taught, run: run
      ).train()
      return TrainedModel(
        model: Model(graph: result.graph, path: path), history: result.history,
        blockShape: blockShape)
    } catch {
      throw .training(model: path, error)
    }
  }

  /// A text that differs where a training would: by the network and its weights, the recipe, the
  /// samples, and the teacher.
  public func signature(
    training recipe: TrainRecipe, samples: SampleSource, teacher: Model?
  ) throws -> String {
    let other = teacher.map { "teacher \($0.fingerprint(samples))\n" } ?? ""
    return "sparrow 1\nnetwork \(fingerprint(samples))\n" + other
      + "data \(samples.path), \(samples.count) samples\n" + (try recipe.yaml())
  }
}

extension SampleSource: TrainingData {
  public func inputs(_ rows: [Int]) -> [Tensor] { choosing(rows).batch(0..<rows.count) }
}
