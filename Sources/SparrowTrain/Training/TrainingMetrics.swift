import Foundation
import SparrowCore

/// What an epoch came to.
public struct EpochMetrics: Codable, Hashable, Sendable {
  /// From 1.
  public var epoch: Int
  /// Steps since the beginning.
  public var steps: Int
  /// Of the epoch's last step.
  public var learning_rate: Double
  /// The mean over the epoch's steps.
  public var loss: Double
  /// The fraction of the epoch's samples whose class had the largest score, as the network was when
  /// they were learnt from; nil where targets are no classes.
  public var accuracy: Double?
  /// On held-out samples, where there are any.
  public var test_loss: Double?
  public var test_accuracy: Double?
  /// The mean over the classes of the held-out samples of the accuracy on the samples of each.
  public var test_mean_per_class_accuracy: Double?
  /// The fraction of the dense network's multiply-adds that gates left, in the epoch's steps and, without
  /// noise, on held-out samples; nil without gates, or where they are not trained.
  public var macs: Double?
  public var test_macs: Double?
  /// The fraction of zeros among the weights that may be pruned.
  public var sparsity: Double
  /// Of training, since the beginning.
  public var seconds: Double

  /// The names of ``columns``.
  public static let columnNames = [
    "epoch", "steps", "learning_rate", "loss", "accuracy", "test_loss", "test_accuracy",
    "test_mean_per_class_accuracy", "macs", "test_macs", "sparsity", "seconds",
  ]

  /// The names and values of the columns, in order.
  public var columns: [(name: String, value: Double?)] {
    let values = [
      Double(epoch), Double(steps), learning_rate, loss, accuracy, test_loss, test_accuracy,
      test_mean_per_class_accuracy, macs, test_macs, sparsity, seconds,
    ]
    return zip(Self.columnNames, values).map { ($0, $1) }
  }

  /// From the values of ``columns``, NaN for what is not known; nil for another number of them.
  init?(_ values: ArraySlice<Double>) {
    let v = Array(values)
    guard v.count == Self.columnNames.count, let epoch = Int(exactly: v[0]),
      let steps = Int(exactly: v[1])
    else {
      return nil
    }
    func known(_ x: Double) -> Double? { x.isNaN ? nil : x }
    self.init(
      epoch: epoch, steps: steps, learning_rate: v[2], loss: v[3], accuracy: known(v[4]),
      test_loss: known(v[5]), test_accuracy: known(v[6]),
      test_mean_per_class_accuracy: known(v[7]), macs: known(v[8]), test_macs: known(v[9]),
      sparsity: v[10], seconds: v[11])
  }

  init(
    epoch: Int, steps: Int, learning_rate: Double, loss: Double, accuracy: Double?,
    test_loss: Double?, test_accuracy: Double?, test_mean_per_class_accuracy: Double?,
    macs: Double?, test_macs: Double?, sparsity: Double, seconds: Double
  ) {
    (self.epoch, self.steps, self.learning_rate, self.loss) = (epoch, steps, learning_rate, loss)
    (self.accuracy, self.test_loss, self.test_accuracy) = (accuracy, test_loss, test_accuracy)
    self.test_mean_per_class_accuracy = test_mean_per_class_accuracy
    (self.macs, self.test_macs) = (macs, test_macs)
    (self.sparsity, self.seconds) = (sparsity, seconds)
  }
}

/// How far a run has come.
public struct TrainingProgress: Sendable {
  /// From 0 to 1, of all steps.
  public var fraction: Double
  /// From 1.
  public var epoch: Int
  public var epochs: Int
  /// The mean of the epoch so far.
  public var loss: Double
  /// The epochs that are complete.
  public var history: [EpochMetrics]
  /// Whether an epoch was just completed.
  public var endsEpoch: Bool
}

/// How good scores are.
public struct ScoreMetrics: Hashable, Sendable {
  /// nil where the loss takes more than one sample.
  public var loss: Double?
  /// The fraction of samples whose class has the largest score, of equal ones the first; nil where
  /// targets are no classes.
  public var accuracy: Double?
  /// The same as a mean over the classes.
  public var meanPerClass: Double?
  /// The fraction of multiply-adds that gates leave; nil where there are none.
  public var macs: Double?
}

/// Samples and right answers by class.
public struct ClassCounts: Hashable, Sendable {
  private var samples: [Int: Int] = [:]
  private var right: [Int: Int] = [:]

  public init() {}

  public mutating func count(_ label: Int, isRight: Bool) {
    samples[label, default: 0] += 1
    right[label, default: 0] += isRight ? 1 : 0
  }

  /// The mean, over the classes that were counted, of the fraction of each one's samples that were
  /// right; nil where nothing was counted.
  public var meanAccuracy: Double? {
    guard !samples.isEmpty else { return nil }
    let fractions = samples.sorted { $0.key < $1.key }.map { label, count in
      Double(right[label] ?? 0) / Double(count)
    }
    return fractions.reduce(0, +) / Double(fractions.count)
  }
}

/// Scores of samples and what they should be.
enum ScoreCount {
  /// The samples of `scores` `[N, C]` (the first `count`) whose label has the largest score.
  static func correct(_ scores: Tensor, _ labels: [Int], count: Int) -> Int {
    largest(scores, count: count).enumerated().count { $1 == labels[$0] }
  }

  /// The class of the largest score of each of the first `count` samples, of equal ones the first.
  static func largest(_ scores: Tensor, count: Int) -> [Int] {
    let width = scores.count / max(1, scores.shape[0])
    return scores.withElements(of: Float.self) { values in
      (0..<count).map { sample in
        let row = UnsafeBufferPointer(rebasing: values[sample * width..<(sample + 1) * width])
        var best = 0
        for i in row.indices where row[i] > row[best] { best = i }
        return best
      }
    }
  }

  /// The sum of the cross entropies of the first `count` samples, in float64.
  static func crossEntropy(_ scores: Tensor, _ labels: [Int], count: Int) -> Double {
    let width = scores.count / max(1, scores.shape[0])
    return scores.withElements(of: Float.self) { values in
      (0..<count).reduce(0.0) { sum, sample in
        let row = UnsafeBufferPointer(rebasing: values[sample * width..<(sample + 1) * width])
        return sum + logSum(row) - Double(row[labels[sample]])
      }
    }
  }

  private static func logSum(_ row: UnsafeBufferPointer<Float>) -> Double {
    let largest = Double(row.max() ?? 0)
    return largest + log(row.reduce(0.0) { $0 + exp(Double($1) - largest) })
  }

  /// The sum of squared differences of the first `count` samples' elements.
  static func squaredError(_ scores: Tensor, _ targets: Tensor, count: Int) -> Double {
    let elements = scores.count / max(1, scores.shape[0]) * count
    return scores.withElements(of: Float.self) { found in
      targets.withElements(of: Float.self) { wanted in
        (0..<elements).reduce(0.0) { sum, i in
          let difference = Double(found[i]) - Double(wanted[i])
          return sum + difference * difference
        }
      }
    }
  }
}
