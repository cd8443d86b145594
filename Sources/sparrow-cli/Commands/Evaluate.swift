import ArgumentParser
import Foundation
import Sparrow

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure a classifier's accuracy on data.",
    discussion: """
      Data is an .npz file with samples and integer labels: arrays x_test and y_test, else x and y, \
      else images and labels, or what --keys names. The model sees (x / scale - mean) / std; images \
      stored as NHWC are turned to NCHW where the model's input asks for it, and flattened where it \
      takes vectors.

      Presets for --preprocess:
      \(Preprocessing.presets.map { "  " + $0.name.padding(toLength: 9, withPad: " ", startingAt: 0)
        + $0.specification }.joined(separator: "\n"))

      EXAMPLES:
        sparrow evaluate digits.onnx --data digits.npz
        sparrow evaluate resnet20.sparrow --data cifar10.npz --preprocess cifar
        sparrow evaluate a.onnx --data b.npz --preprocess scale=255,mean=0.5,std=0.2
        sparrow evaluate a.onnx --data b.npz --metric top5 --limit 1000 --json c.json
      """)

  @Argument(help: "The model (.onnx or .sparrow).")
  var model: String

  @Option(help: ArgumentHelp("The samples and their labels.", valueName: "data.npz"))
  var data: String

  @Option(help: "top1 or top5.")
  var metric = Metric.top1

  @Option(help: ArgumentHelp("A preset, or scale=N,mean=N,std=N,layout=L.", valueName: "spec"))
  var preprocess = "none"

  @Option(help: ArgumentHelp("The arrays' names in the data.", valueName: "x,y"))
  var keys: String?

  @Option(
    help: ArgumentHelp("Samples a run, where the model leaves its batch open.", valueName: "n"))
  var batch = 32

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
    if let keys, keys.split(separator: ",").count != 2 {
      throw ValidationError("--keys is '\(keys)', expected two names: x,y")
    }
  }

  func run() throws {
    var options = EvaluationOptions()
    options.preprocessing = try Preprocessing(preprocess)
    (options.batch, options.threads) = (batch, threads.threads)
    options.tuning = tuning.tuning
    let network = try Model.load(path: model)
    let names = keys.map { $0.split(separator: ",").map(String.init) }
    var dataset = try Dataset(path: data, keys: names.map { ($0[0], $0[1]) })
    if let limit { dataset = dataset.prefix(limit) }
    let progress = Progress("evaluate", common)
    let count = Double(dataset.count)
    let result = try network.evaluate(on: dataset, options: options) {
      progress.update(Double($0) / count)
    }
    progress.finish()
    if let json { try writeText(try encoded(result), to: json) }
    common.say(
      "\(model): \(metric.rawValue) \(Text.percent(result.value(of: metric))) on \(result.samples) "
        + "samples of \(data) (\(Text.milliseconds(result.seconds * 1e3)))")
  }
}

extension Metric: ExpressibleByArgument {}
