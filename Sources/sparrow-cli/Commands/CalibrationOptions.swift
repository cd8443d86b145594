import ArgumentParser
import Foundation
import Sparrow

/// The data that `compress` learns from, and how much of the machine it may take.
struct CalibrationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Samples that methods learn from: an .npz file (x_train, x or the inputs' names; labels where "
        + "there are any), or other data as in evaluate.", valueName: "path"))
  var calibration: String?

  @Option(help: "Which part of the data is taken, where there are two (default: train).")
  var split: Dataset.Split?

  @Option(help: ArgumentHelp("How samples are preprocessed, as in evaluate.", valueName: "spec"))
  var preprocess: String?

  @Option(help: ArgumentHelp("The arrays' names in the data.", valueName: "x,y"))
  var keys: String?

  @Option(help: ArgumentHelp("Use this many of the samples, drawn by --seed.", valueName: "n"))
  var samples: Int?

  @Option(help: ArgumentHelp("What random choices follow from (default: 0).", valueName: "n"))
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "The damping of least squares, a fraction of the mean diagonal of the inputs' products "
        + "(default: for each layer what held-out samples like best).", valueName: "x"))
  var ridge: Double?

  @Option(
    help: ArgumentHelp(
      "Activations kept in memory; what is beyond goes to files (default: half of the memory).",
      valueName: "size"))
  var memory: String?

  @Option(help: "Threads that compute (default: one a CPU).")
  var threads: Int = CalibrationRun.defaultThreads

  func validate() throws {
    guard (1...256).contains(threads) else {
      throw ValidationError("--threads is \(threads), expected 1 to 256")
    }
    if let samples, samples < 1 {
      throw ValidationError("--samples is \(samples), expected 1 or more")
    }
    if let ridge, !(ridge > 0 && ridge.isFinite) {
      throw ValidationError("--ridge is \(ridge), expected a number above 0")
    }
    if let keys, !(1...2).contains(keys.split(separator: ",").count) {
      throw ValidationError("--keys is '\(keys)', expected one or two names: x,y")
    }
    if let memory, ByteCount.parse(memory) == nil {
      throw ValidationError("--memory is '\(memory)', expected a size such as 512MB or 4GB")
    }
    guard calibration == nil else { return }
    for (flag, isGiven) in [
      ("--preprocess", preprocess != nil), ("--keys", keys != nil), ("--samples", samples != nil),
      ("--split", split != nil), ("--ridge", ridge != nil), ("--memory", memory != nil),
    ] where isGiven {
      throw ValidationError("\(flag) is about calibration data; give --calibration DATA too")
    }
  }

  /// The recipe with what the flags say of its calibration.
  func applied(to recipe: Recipe) -> Recipe {
    var recipe = recipe
    recipe.calibration.samples = samples ?? recipe.calibration.samples
    recipe.calibration.seed = seed ?? recipe.calibration.seed
    recipe.calibration.ridge = ridge ?? recipe.calibration.ridge
    return recipe
  }

  /// The samples for `model`; nil where no data is given.
  func source(for model: Model, _ settings: CalibrationSettings) throws -> SampleSource? {
    guard let calibration else { return nil }
    let names = keys.map { $0.split(separator: ",").map(String.init) }
    let source = try SampleSource(
      path: calibration, for: model,
      keys: names.map { Dataset.Keys(samples: $0[0], labels: $0.count > 1 ? $0[1] : nil) },
      purpose: .calibration, split: split,
      preprocessing: try Preprocessing(preprocess ?? "none"))
    guard let samples = settings.samples else { return source }
    guard samples <= source.count else {
      throw SparrowError.badSetting(
        "\(samples) samples are asked for, but \(calibration) has \(source.count)")
    }
    return source.sample(samples, seed: settings.seed)
  }

  /// How the run goes on this machine; unfinished layers are kept beside `output`.
  func run(
    _ source: SampleSource, journal: CalibrationJournal, progress: Progress
  ) -> CalibrationRun {
    CalibrationRun(
      source, threads: threads,
      memory: memory.flatMap { ByteCount.parse($0) } ?? CalibrationRun.defaultMemory,
      folder: journal.folder, journal: journal
    ) { progress.update($0.fraction, $0.stage) }
  }
}

/// Sizes as people write them: 1000, 64kB, 512MB, 4GB.
enum ByteCount {
  static func parse(_ text: String) -> Int? {
    let units: [(String, Double)] = [("kB", 1e3), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("B", 1)]
    let unit = units.first { text.hasSuffix($0.0) }
    let number = unit.map { String(text.dropLast($0.0.count)) } ?? text
    guard let value = Double(number), value > 0, value * (unit?.1 ?? 1) < 1e18 else { return nil }
    return Int(value * (unit?.1 ?? 1))
  }
}
