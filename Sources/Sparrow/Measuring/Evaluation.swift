import SparrowCore
import SparrowRuntime
import SparrowTrain

/// How a model is evaluated.
public struct EvaluationOptions: Sendable {
  /// Samples a run where the model leaves its batch open.
  public var batch = 32
  public var threads = 1
  public var tuning = Tuning.off
  /// What is compared with a reference.
  public var pooling = Pooling.none

  public init() {}
}

/// The outcome of an evaluation: of one with labels ``top1``, ``top5`` and
/// ``mean_per_class_accuracy``, of one against another model the others.
public struct Evaluation: Codable, Hashable, Sendable {
  public var model: String
  public var data: String
  public var samples: Int
  public var seconds: Double
  /// Fractions of the samples, from 0 to 1.
  public var top1: Double?
  public var top5: Double?
  /// The mean over the classes of ``top1`` of each one's samples.
  public var mean_per_class_accuracy: Double?
  /// The model that this one was compared with.
  public var reference: String?
  /// The fraction of the samples whose largest elements are at the same place, from 0 to 1.
  public var agreement: Double?
  /// The mean of all samples' cosine similarities, from -1 to 1.
  public var mean_cosine: Double?
  /// The least cosine similarity of any sample.
  public var least_cosine: Double?

  /// Nil where the evaluation was not of this kind.
  public func value(of metric: Metric) -> Double? {
    switch metric {
    case .top1: top1
    case .top5: top5
    case .meanPerClass: mean_per_class_accuracy
    case .agreement: agreement
    case .cosine: mean_cosine
    }
  }
}

extension Model {
  /// Runs the model over every sample and compares the scores of its first output with the labels.
  ///
  /// Of equal scores the lower class counts as the larger. `progress` is told the samples done.
  /// Throws when the samples have no labels or ones that the model has no score for.
  public func evaluate(
    on samples: SampleSource, options: EvaluationOptions = EvaluationOptions(),
    progress: (Int) -> Void = { _ in }
  ) throws(SparrowError) -> Evaluation {
    guard let labels = samples.labels else {
      throw .badInput(
        "\(samples.path): there are no labels to compare with, expected an array y_test, y or labels "
          + "of one integer a sample, or what --keys names")
    }
    var options = options
    options.pooling = .none
    let vectors = try OutputVectors(self, samples, options)
    let clock = ContinuousClock()
    let start = clock.now
    var (top1, top5) = (0, 0)
    var classes = ClassCounts()
    let step = vectors.step(options)
    for first in stride(from: 0, to: samples.count, by: step) {
      let range = first..<min(first + step, samples.count)
      let scores = try vectors.rows(range)
      for sample in range {
        let row = scores[sample - first]
        guard (0..<scores.width).contains(labels[sample]) else {
          throw .badInput(
            "\(samples.path): sample \(sample) has label \(labels[sample]), but \(path) scores "
              + "\(scores.width) classes")
        }
        let rank = Self.rank(of: labels[sample], in: row)
        top1 += rank < 1 ? 1 : 0
        top5 += rank < 5 ? 1 : 0
        classes.count(labels[sample], isRight: rank < 1)
      }
      progress(range.upperBound)
    }
    let count = Double(max(1, samples.count))
    return Evaluation(
      model: path, data: samples.path, samples: samples.count, seconds: (clock.now - start).seconds,
      top1: Double(top1) / count, top5: Double(top5) / count,
      mean_per_class_accuracy: classes.meanAccuracy)
  }

  /// How many classes score above `label`.
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
