import SparrowCompress
import SparrowCore
import SparrowPasses
import SparrowTrain

/// A trained model and how it got there.
public struct TrainedModel: Sendable {
  /// Made of standard operators; pruned weights are dense with zeros.
  public var model: Model
  /// Of a network with channel gates that was trained with and without them (by vicreg): the one
  /// without gates, with its own running statistics.
  public var dense: Model?
  /// One an epoch.
  public var history: [EpochMetrics]
  /// How pruned weights may be stored in blocks; nil where nothing is pruned in blocks.
  public var blockShape: BlockShape?
}

extension Model {
  /// The model pruned by the recipe's steps, if there are any, and trained as it says.
  ///
  /// Batch normalisation is trained as it stands in the file; `normalization: restored` takes out what
  /// is folded into convolutions. `held` is only measured on. `teacher` is what the recipe's
  /// distillation learns from.
  ///
  /// A new head is put in place before anything else, and never pruned. With a frozen backbone its
  /// features are computed once, by the model as it is run, and the last layer is trained on them.
  public func trained(
    _ recipe: TrainRecipe, data: SampleSource, held: SampleSource? = nil, teacher: Model? = nil,
    run: TrainingRun = TrainingRun()
  ) throws(SparrowError) -> TrainedModel {
    var (start, recipe) = (try headed(recipe), recipe)
    if let weight = start.weight { recipe = recipe.sparing(weight) }
    var blockShape: BlockShape?
    if let pruning = recipe.pruning {
      let pruned = try start.model.compressed(
        pruning, calibration: CalibrationRun(data, threads: run.threads))
      (start.model, blockShape) = (pruned.model, pruned.blockShape)
    }
    if let pattern = recipe.method.pattern {
      blockShape = (try? Choices.pattern(pattern))?.blockShape ?? blockShape
    }
    var cleaned = try start.model.cleaned()
    try rewrite(&cleaned.graph, [ConstantFolding(expandsWeights: true)], PassOptions())
    if recipe.training.normalization == .restored {
      try cleaned.restoreNormalization(
        CalibrationRun(data, threads: run.threads), recipe.calibration)
    }
    let result =
      switch recipe.backbone {
      case .trained: try cleaned.trainedWhole(recipe, data, held, teacher, run)
      case .frozen: try cleaned.trainedHead(recipe.training, data, held, run)
      }
    return TrainedModel(
      model: Model(graph: result.graph, path: path),
      dense: result.dense.map { Model(graph: $0, path: path) }, history: result.history,
      blockShape: blockShape)
  }

  /// The model with the recipe's new head, and the name of the head's weight where there is one.
  private func headed(
    _ recipe: TrainRecipe
  ) throws(SparrowError) -> (model: Model, weight: String?) {
    var result = recipe.head == nil ? self : try cleaned()
    do throws(TrainError) {
      try recipe.check()
      guard let head = recipe.head else { return (result, nil) }
      let weight = try result.graph.replaceHead(head, seed: recipe.training.seed)
      return (result, weight)
    } catch {
      throw .training(model: path, error)
    }
  }

  private mutating func restoreNormalization(
    _ run: CalibrationRun, _ settings: CalibrationSettings
  ) throws(SparrowError) {
    do throws(CompressError) {
      graph = try graph.restoringBatchNormalization(run, settings)
    } catch {
      throw .compression(model: path, error)
    }
  }

  private func trainedWhole(
    _ recipe: TrainRecipe, _ data: SampleSource, _ held: SampleSource?, _ teacher: Model?,
    _ run: TrainingRun
  ) throws(SparrowError) -> TrainingResult {
    let taught = try teacher?.cleaned().graph
    do throws(TrainError) {
      return try Trainer(
        graph, data: data, held: held, settings: recipe.training,
        method: try recipe.method.method(), teacher: taught, run: run
      ).train()
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
