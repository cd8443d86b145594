import ArgumentParser
import Foundation
import Sparrow
import SparrowHost

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a model, dense or sparse.",
    discussion: """
      Data is what evaluate takes: an .npz file with x_train and y_train (else x and y, else images \
      and labels, or what --keys names), IDX or CIFAR files, or a folder of images. The test part \
      (x_test and y_test, or its files), where it is in the same place, is measured on after every \
      epoch and never learnt from.

      The network starts from the weights in the model. Methods: dense trains all weights; fixed \
      keeps the zeros that the model has, or prunes it once by --sparsity before training; static \
      keeps a random mask; gmp prunes more and more while it trains; acdc alternates dense and sparse \
      phases; rigl moves a sparse mask; str learns thresholds; movement keeps what moves away from \
      zero; admm draws weights to zero before they go; iterative prunes between rounds of training. A \
      recipe (Schemas/recipe.schema.json) sets all that each of them has.

      With --teacher the loss also asks for the scores of another model (a recipe's distillation \
      says how much; without one 0.9 of the loss, at temperature 4).

      --head N puts a fresh linear layer of N classes, which nothing prunes, in the place of the last \
      one: with --method fixed a sparse network is taught other classes under the mask that it has. \
      --backbone frozen trains the last layer alone, on features that are computed once.

      A recipe's loss vicreg needs no labels: two views of each image, drawn by --augment, are to \
      have like embeddings (sparrow new resnet8-vicreg). Channel gates (resnet8-gated) learn to leave \
      the fraction of multiply-adds that a recipe's gating names, and with vicreg also the network \
      without them, which --dense-output writes.

      The state is kept beside the output every minute; the same command goes on from there after an \
      interruption, and ends with the same weights, bit by bit.

      EXAMPLES:
        sparrow train a.onnx b.onnx --data digits.npz --epochs 60
        sparrow train a.onnx b.sparrow --data c.npz --method fixed --sparsity 0.95
        sparrow train a.onnx b.sparrow --data c.npz --method rigl --sparsity 0.98
        sparrow train a.onnx b.sparrow --data c.npz --recipe d.yaml --metrics e.csv
        sparrow train a.onnx b.onnx --data c.npz --recipe d.yaml --dense-output e.onnx
        sparrow train a.onnx b.sparrow --data cifar10.npz --preprocess cifar \\
          --epochs 40 --sparsity 0.9 --augment crop=4,flip --teacher a.onnx
        sparrow train sparse.onnx b.onnx --data fashion-mnist --classes 5-9 \\
          --head 5 --backbone frozen
        sparrow train sparse.onnx b.onnx --data digits.npz --preprocess fit \\
          --head 10 --method fixed --learning-rate 0.01
      """)

  @Argument(help: "The model to start from (.onnx or .sparrow).")
  var input: String

  @Argument(help: "The file to write (.sparrow or .onnx).")
  var output: String

  @Option(help: ArgumentHelp("The samples and their labels.", valueName: "data"))
  var data: String

  @Option(help: ArgumentHelp("As in evaluate.", valueName: "spec"))
  var preprocess = "none"

  @Option(help: ArgumentHelp("The names of the arrays that are learnt from.", valueName: "x,y"))
  var keys: String?

  @Option(
    help: ArgumentHelp(
      "Learn and measure the samples of these classes only, labelled 0, 1, ... in this order.",
      valueName: "0-4,7"))
  var classes: String?

  @Option(help: ArgumentHelp("Learn from the first samples only.", valueName: "n"))
  var limit: Int?

  @Option(
    name: .customLong("test-limit"),
    help: ArgumentHelp("Measure on the first samples only.", valueName: "n"))
  var testLimit: Int?

  @Option(help: ArgumentHelp("A model whose scores are learnt from too.", valueName: "file"))
  var teacher: String?

  @OptionGroup(title: "Training") var training: TrainingOptions

  @OptionGroup(title: "Transfer") var transfer: TransferOptions

  @OptionGroup(title: "Sparsity") var method: MethodOptions

  @Option(
    help: ArgumentHelp("Where the state is kept (default: OUTPUT.checkpoint).", valueName: "file"))
  var checkpoint: String?

  @Option(
    name: .customLong("checkpoint-every"),
    help: ArgumentHelp("Seconds between states that are kept.", valueName: "s"))
  var checkpointEvery = 60.0

  @Option(
    name: .customLong("dense-output"),
    help: ArgumentHelp(
      "Write the network without its channel gates too (vicreg).", valueName: "file"))
  var denseOutput: String?

  @Option(
    help: ArgumentHelp("Write the figures of every epoch (.csv or .jsonl).", valueName: "file"))
  var metrics: String?

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard checkpointEvery >= 0, checkpointEvery.isFinite else {
      throw ValidationError("--checkpoint-every is \(checkpointEvery), expected seconds from 0")
    }
    for (name, value) in [("--limit", limit), ("--test-limit", testLimit)] {
      if let value, value < 1 { throw ValidationError("\(name) is \(value), expected 1 or more") }
    }
    if let keys, keys.split(separator: ",").count != 2 {
      throw ValidationError("--keys is '\(keys)', expected two names: x,y")
    }
  }

  func run() throws {
    let format = try ModelFormat(path: output)
    let metricsFile = try metrics.map { try MetricsFile($0) }
    var recipe = try training.chosenRecipe()
    try transfer.apply(to: &recipe)
    method.apply(to: &recipe)
    if teacher != nil, recipe.training.loss.distillation == nil {
      recipe.training.loss.distillation = Distillation()
    }
    let model = try Model.load(path: input)
    let denseFormat = try denseFormat(recipe, model)
    let taught = try teacher.map { try Model.load(path: $0) }
    let (samples, held) = try TrainingSamples.read(
      path: data, for: model, keys: keys.map { $0.split(separator: ",").map(String.init) },
      preprocessing: try Preprocessing(preprocess),
      choice: TrainingSamples.Choice(
        classes: try classes.map { try ClassSelection($0) }, limit: limit, testLimit: testLimit),
      needsLabels: recipe.training.loss.task.needsLabels)
    let file = CheckpointFile(checkpoint ?? output + ".checkpoint")
    if file.exists { common.say("going on from \(file.path)") }
    var run = TrainingRun()
    (run.threads, run.checkpoints, run.checkpointSeconds) = (
      threads.threads, file, checkpointEvery
    )
    run.memory = transfer.memoryBytes
    run.signature = try model.signature(training: recipe, samples: samples, teacher: taught)
    let trained = try common.timed("train") {
      try train(model, recipe, samples, held, taught, run, metricsFile)
    }
    try metricsFile?.write(trained.history)
    try writeDense(trained, denseFormat)
    var final = trained.model
    if format == .sparrow { final = try final.deployable(blockShape: trained.blockShape).model }
    try final.save(to: output)
    file.finish()
    report(trained, final)
  }

  /// The format of the network without gates, where one is asked for and there will be one.
  private func denseFormat(_ recipe: TrainRecipe, _ model: Model) throws -> ModelFormat? {
    guard let denseOutput else { return nil }
    guard !recipe.training.loss.task.needsLabels, model.graph.hasChannelGates else {
      throw SparrowError.badSetting(
        "--dense-output: only a network with channel gates (sparrow new resnet8-gated) that a recipe "
          + "trains by vicreg is trained without its gates too; leave it out")
    }
    return try ModelFormat(path: denseOutput)
  }

  private func writeDense(_ trained: TrainedModel, _ format: ModelFormat?) throws {
    guard let denseOutput, let format, let dense = trained.dense else { return }
    try (format == .sparrow ? try dense.deployable().model : dense).save(to: denseOutput)
  }

  private func train(
    _ model: Model, _ recipe: TrainRecipe, _ samples: SampleSource, _ held: SampleSource?,
    _ teacher: Model?, _ run: TrainingRun, _ metricsFile: MetricsFile?
  ) throws -> TrainedModel {
    let progress = Progress("train", common)
    defer { progress.finish() }
    var run = run
    var failure: (any Error)?
    run.progress = { now in
      progress.update(now.fraction, stage(now))
      guard now.endsEpoch, let latest = now.history.last else { return }
      common.detail(Self.line(latest, of: now.epochs))
      do { try metricsFile?.write(now.history) } catch { failure = error }
    }
    run.isStopped = { failure != nil }
    do {
      return try model.trained(recipe, data: samples, held: held, teacher: teacher, run: run)
    } catch {
      throw failure ?? error
    }
  }

  private func stage(_ now: TrainingProgress) -> String {
    let test = now.history.last?.test_accuracy.map { ", " + Text.percent($0) } ?? ""
    return "\(now.epoch)/\(now.epochs) loss \(Text.compact(now.loss))" + test
  }

  private static func line(_ epoch: EpochMetrics, of epochs: Int) -> String {
    let parts = [
      "epoch \(epoch.epoch)/\(epochs)", "loss \(Text.compact(epoch.loss))",
      epoch.accuracy.map { "accuracy \(Text.percent($0))" },
      epoch.test_accuracy.map { "test \(Text.percent($0))" },
      (epoch.test_macs ?? epoch.macs).map { "multiply-adds \(Text.percent($0))" },
      epoch.sparsity > 0 ? "sparsity \(Text.percent(epoch.sparsity))" : nil,
      Text.milliseconds(epoch.seconds * 1e3),
    ]
    return parts.compactMap { $0 }.joined(separator: ", ")
  }

  private func report(_ trained: TrainedModel, _ final: Model) {
    guard let last = trained.history.last else { return }
    common.say("\(output): " + Self.line(last, of: last.epoch))
  }
}
