import SparrowCore
import SparrowRuntime

/// What share of samples a classifier gets right.
public enum Metric: String, CaseIterable, Sendable {
  /// The label has the largest score.
  case top1
  /// The label is among the five largest scores.
  case top5
}

/// How a model is evaluated.
public struct EvaluationOptions: Sendable {
  public var preprocessing = Preprocessing()
  /// Samples a run where the model leaves its batch open.
  public var batch = 32
  public var threads = 1
  public var tuning = Tuning.off

  public init() {}
}

/// The outcome of an evaluation.
public struct Evaluation: Codable, Hashable, Sendable {
  public var model: String
  public var data: String
  public var samples: Int
  /// Fractions of the samples, from 0 to 1.
  public var top1: Double
  public var top5: Double
  public var seconds: Double

  public func value(of metric: Metric) -> Double {
    switch metric {
    case .top1: top1
    case .top5: top5
    }
  }
}

extension Model {
  /// Runs the model over every sample and compares the scores of its first output with the labels.
  ///
  /// Of equal scores the lower class counts as the larger. `progress` is told the samples done.
  public func evaluate(
    on dataset: Dataset, options: EvaluationOptions = EvaluationOptions(),
    progress: (Int) -> Void = { _ in }
  ) throws(SparrowError) -> Evaluation {
    let types = try inputTypes()
    guard types.count == 1 else {
      throw .badInput(
        "\(path): it takes \(types.count) inputs, evaluate needs a model of one input")
    }
    guard dataset.count > 0 else { throw .badInput("\(dataset.path): there is no sample") }
    let reader = try SampleReader(
      dataset, input: types[0], model: path, preprocessing: options.preprocessing)
    let batch = types[0].type.dimensions?.first?.value ?? max(1, options.batch)
    let session = try self.session(threads: options.threads, tuning: options.tuning)
    let clock = ContinuousClock()
    let start = clock.now
    var (top1, top5) = (0, 0)
    for first in stride(from: 0, to: dataset.count, by: max(1, batch)) {
      let used = min(batch, dataset.count - first)
      let isFixed = types[0].type.dimensions?.first?.value != nil
      let outputs = try run(session, [reader.batch(first..<first + (isFixed ? batch : used))])
      for rank in try ranks(of: dataset, from: first, count: used, outputs) {
        top1 += rank < 1 ? 1 : 0
        top5 += rank < 5 ? 1 : 0
      }
      progress(first + used)
    }
    return Evaluation(
      model: path, data: dataset.path, samples: dataset.count,
      top1: Double(top1) / Double(dataset.count), top5: Double(top5) / Double(dataset.count),
      seconds: (clock.now - start).seconds)
  }

  /// For each sample how many classes score above its label.
  private func ranks(
    of dataset: Dataset, from first: Int, count: Int, _ outputs: [Tensor]
  ) throws(SparrowError) -> [Int] {
    guard let output = outputs.first, let scores = output.floats, let rows = output.shape.first,
      rows >= count, output.count > 0
    else {
      let found = outputs.first.map { TensorType($0.dtype, shape: $0.shape).text } ?? "nothing"
      throw .badInput("\(path): its first output is \(found), expected scores [batch, classes]")
    }
    let classes = output.count / rows
    var result: [Int] = []
    for i in 0..<count {
      let label = dataset.labels[first + i]
      guard (0..<classes).contains(label) else {
        throw .badInput(
          "\(dataset.path): sample \(first + i) has label \(label), but \(path) scores \(classes) "
            + "classes")
      }
      result.append(Self.rank(of: label, in: scores[i * classes..<(i + 1) * classes]))
    }
    return result
  }

  private static func rank(of label: Int, in scores: ArraySlice<Float>) -> Int {
    let own = scores[scores.startIndex + label]
    guard !own.isNaN else { return scores.count }
    var above = 0
    for (i, score) in scores.enumerated() where score > own || (score == own && i < label) {
      above += 1
    }
    return above
  }
}

extension Duration {
  /// The duration as a number of seconds.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
