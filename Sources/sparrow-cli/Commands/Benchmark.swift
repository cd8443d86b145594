import ArgumentParser
import Foundation
import Sparrow
import SparrowHost

struct Benchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Time a model.",
    discussion: """
      Runs the model on deterministic random inputs, or on those that -i names, for the given time and \
      reports latency and throughput. 'sync' runs one after the other, all threads working on each; 'async' runs one \
      single-threaded stream for each thread, for throughput.

      EXAMPLES:
        sparrow benchmark model.onnx --threads 1
        sparrow benchmark small.sparrow -b 16 -t 10 --json times.json
        sparrow benchmark ocr.onnx --input-shapes x:1,3,48,320 --profile
        sparrow benchmark small.sparrow -s async --threads 4
        sparrow benchmark gated.sparrow -i image=images.npy --no-skip
      """)

  @Argument(help: "The model (.onnx or .sparrow).")
  var model: String

  @Option(name: .shortAndLong, help: "The batch, where the model leaves it open.")
  var batch = 1

  @Option(
    name: [.customShort("t"), .customLong("time")],
    help: ArgumentHelp("Time to measure.", valueName: "seconds"))
  var seconds = 5.0

  @Option(name: .shortAndLong, help: ArgumentHelp("Time to run first.", valueName: "seconds"))
  var warmup = 1.0

  @Option(
    name: [.customShort("s"), .customLong("mode")],
    help: "sync or async.")
  var mode = BenchmarkOptions.Mode.sync

  @Flag(
    help: """
      Also show what each step takes, how near it comes to the peak of multiply-adds, and what it \
      would take with a dense kernel.
      """)
  var profile = false

  @Option(help: ArgumentHelp("Write the figures as JSON.", valueName: "file"))
  var json: String?

  @OptionGroup var inputs: InputOptions
  @OptionGroup var shapes: ShapeOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var optimization: OptimizationOptions
  @OptionGroup var tuning: TuningOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard inputs.isRandom || batch == 1 else {
      throw ValidationError("--batch is for random inputs; beside -i the files say it")
    }
    guard batch >= 1 else { throw ValidationError("--batch is \(batch), expected 1 or more") }
    for (name, value) in [("--time", seconds), ("--warmup", warmup)]
    where !(0...86_400).contains(value) {
      throw ValidationError("\(name) is \(value), expected 0 to 86400 seconds")
    }
  }

  func run() throws {
    let network = try Model.load(path: model)
    let inputs = try inputs.tensors(for: network, shapes, batch: batch)
    var options = BenchmarkOptions()
    (options.mode, options.threads) = (mode, threads.threads)
    (options.seconds, options.warmup) = (seconds, warmup)
    (options.optimizes, options.tuning) = (optimization.optimizes, tuning.tuning)
    options.skipsClosedChannels = optimization.skipsClosedChannels
    let progress = Progress("benchmark", common)
    let report = try network.benchmark(inputs, options: options) { progress.update($0) }
    progress.finish()
    if let json { try writeText(try encoded(report), to: json) }
    show(report)
    if profile { try showProfile(network, inputs) }
  }

  private func show(_ report: BenchmarkReport) {
    common.say(
      """
      \(report.model): batch \(report.batch), \(report.threads) thread\(report.threads == 1 ? "" : "s"), \
      \(report.mode.rawValue), \(report.isa)
      \(report.latency_ms.text(throughput: report.throughput, runs: report.iterations))
      peak memory \(Text.bytes(Int(clamping: report.peak_memory_bytes))) (packed weights \
      \(Text.bytes(report.packed_weight_bytes)), activations \(Text.bytes(report.activation_bytes)))
      """)
  }

  private func showProfile(_ network: Model, _ inputs: [Tensor]) throws {
    let profile = try network.profile(
      inputs, threads: threads.threads, optimizes: optimization.optimizes, tuning: tuning.tuning,
      skipsClosedChannels: optimization.skipsClosedChannels)
    common.say(
      "\npeak \(Text.significant(profile.peakGigaflops)) GFLOP/s of multiply-adds; GFLOP/s count "
        + "weights that are not zero")
    if let first = profile.steps.first, first.runs > 1 {
      common.say(
        "each sample runs by itself, times are sums over the \(first.runs) of the batch"
          + (first.threads < threads.threads ? ", all on one thread" : ""))
    }
    common.say(ProfileText.table(profile.steps, peak: profile.peakGigaflops))
    common.say(ProfileText.work(profile.steps))
  }
}

extension BenchmarkOptions.Mode: ExpressibleByArgument {}

/// JSON text with sorted keys: equal values give equal bytes.
func encoded(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
}
