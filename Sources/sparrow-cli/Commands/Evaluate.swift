import ArgumentParser
import Foundation
import Sparrow
import SparrowHost

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure accuracy, or closeness to another model.",
    discussion: """
      Data is an .npz file with samples and integer labels: arrays x_test and y_test, else x and y, \
      else images and labels, or what --keys names. For a model of several inputs the arrays have \
      the inputs' names and hold what the model takes. Or it is of one of these kinds:
        IDX files (MNIST's family; .gz too): the one of images, or the folder of all
        CIFAR-10 or CIFAR-100 in binary: a file, or the folder of all
        JPEG and PNG files: a folder of a folder a class, or train and val
      Where both parts of a data set are in one place, the test part is taken unless --split says \
      otherwise.

      The model sees (x / scale - mean) / std; images stored as NHWC are turned to NCHW where the \
      model's input asks for it, and flattened where it takes vectors. Pictures of a folder are \
      resized, the shorter side to the model's size / 0.875 (or resize=N), and their middle is \
      taken (crop=N where the model's size is open). With fit, images of other data are resized to \
      the model's height and width, and grey ones repeated to its channels.

      top1, top5 and mean-per-class (the mean over the classes of top1 of each one's samples) compare \
      the scores of the first output with the labels. agreement (the same \
      largest score) and cosine (of the whole first output, or of sentence embeddings with --pool \
      mean) compare with the outputs of another model on the same samples and need no labels.

      Presets for --preprocess:
      \(Preprocessing.presets.map { "  " + $0.name.padding(toLength: 9, withPad: " ", startingAt: 0)
        + $0.specification }.joined(separator: "\n"))

      EXAMPLES:
        sparrow evaluate digits.onnx --data digits.npz
        sparrow evaluate resnet20.sparrow --data cifar10.npz --preprocess cifar
        sparrow evaluate resnet50.onnx --data imagenet --preprocess imagenet
        sparrow evaluate lenet.onnx --data fashion-mnist --split train
        sparrow evaluate a.onnx --data b.npz --preprocess scale=255,mean=0.5,std=0.2
        sparrow evaluate a.onnx --data b.npz --metric top5 --limit 1000 --json c.json
        sparrow evaluate a.onnx --data mnist --classes 5-9 --metric mean-per-class
        sparrow evaluate b.onnx --data c.npz --metric agreement --reference a.onnx
        sparrow evaluate b.onnx --data c.npz --metric cosine --pool mean \\
          --reference a.onnx
      """)

  @Argument(help: "The model (.onnx or .sparrow).")
  var model: String

  @Option(
    help: ArgumentHelp(
      "The samples and, for top1, top5 and mean-per-class, their labels.", valueName: "path"))
  var data: String

  @Option(help: "Which part of the data is taken, where there are two (default: test).")
  var split: Dataset.Split?

  @Option(help: "What is measured.")
  var metric = Metric.top1

  @Option(
    help: ArgumentHelp("The model that cosine and agreement compare with.", valueName: "file"))
  var reference: String?

  @Option(
    help: "What of the first output is compared with the reference: all, or its mean over tokens.")
  var pool = Pooling.none

  @Option(
    help: ArgumentHelp(
      "A preset, or scale=N,mean=N,std=N,layout=L,fit,resize=N,crop=N.", valueName: "spec"))
  var preprocess = "none"

  @Option(
    help: ArgumentHelp("The arrays' names in the data (x alone without labels).", valueName: "x,y"))
  var keys: String?

  @Option(
    help: ArgumentHelp("Samples a run, where the model leaves its batch open.", valueName: "n"))
  var batch = 32

  @Option(
    help: ArgumentHelp(
      "Use the samples of these classes only, labelled 0, 1, ... in this order.",
      valueName: "0-4,7"))
  var classes: String?

  @Option(help: ArgumentHelp("Use the first samples only.", valueName: "n"))
  var limit: Int?

  @Option(help: ArgumentHelp("Write the result as JSON.", valueName: "file"))
  var json: String?

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var tuning: TuningOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...65_536).contains(batch) else {
      throw ValidationError("--batch is \(batch), expected 1 to 65536")
    }
    if let limit, limit < 1 { throw ValidationError("--limit is \(limit), expected 1 or more") }
    if let keys {
      let count = keys.split(separator: ",").count
      guard count == 2 || (count == 1 && metric.needsReference) else {
        throw ValidationError("--keys is '\(keys)', expected two names: x,y")
      }
    }
    guard metric.needsReference == (reference != nil) else {
      throw ValidationError(
        metric.needsReference
          ? "--metric \(metric.rawValue) compares with another model; name it with --reference"
          : "--reference is for --metric cosine and agreement, found --metric \(metric.rawValue)")
    }
    guard pool == .none || metric.needsReference else {
      throw ValidationError(
        "--pool is for --metric cosine and agreement, found --metric \(metric.rawValue)")
    }
  }

  func run() throws {
    var options = EvaluationOptions()
    (options.batch, options.threads) = (batch, threads.threads)
    (options.tuning, options.pooling) = (tuning.tuning, pool)
    let network = try Model.load(path: model)
    let other = try reference.map { try Model.load(path: $0) }
    let names = keys.map { $0.split(separator: ",").map(String.init) }
    var samples = try SampleSource(
      path: data, for: network,
      keys: names.map { Dataset.Keys(samples: $0[0], labels: $0.count > 1 ? $0[1] : nil) },
      split: split, preprocessing: try Preprocessing(preprocess))
    if let classes { samples = try samples.selecting(try ClassSelection(classes)) }
    if let limit { samples = samples.prefix(limit) }
    let progress = Progress("evaluate", common)
    let count = Double(samples.count)
    let result =
      if let other {
        try network.evaluate(on: samples, against: other, options: options) {
          progress.update(Double($0) / count)
        }
      } else {
        try network.evaluate(on: samples, options: options) { progress.update(Double($0) / count) }
      }
    progress.finish()
    if let json { try writeText(try encoded(result), to: json) }
    common.say(
      "\(model): \(metric.rawValue) \(text(of: result)) on \(result.samples) samples of \(data) "
        + "(\(Text.milliseconds(result.seconds * 1e3)))")
  }

  private func text(of result: Evaluation) -> String {
    let value = result.value(of: metric) ?? 0
    let against = result.reference.map { " with \($0)" } ?? ""
    guard metric == .cosine else { return Text.percent(value) + against }
    return String(format: "%.4f, least %.4f,", value, result.least_cosine ?? 0) + against
  }
}

extension Metric: ExpressibleByArgument {}
extension Dataset.Split: ExpressibleByArgument {}
extension Pooling: ExpressibleByArgument {}
