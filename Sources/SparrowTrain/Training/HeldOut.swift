import SparrowCore
import SparrowRuntime

/// Measures a network in training on samples that it does not learn from.
struct HeldOut {
  private let data: any TrainingData
  private let session: Session
  private let batch: Int
  private let task: TrainingLoss.Task

  init(
    _ data: any TrainingData, _ network: TrainingGraph, batch: Int, threads: Int
  ) throws(TrainError) {
    let graph = try network.inferenceGraph()
    (self.data, self.batch, task) = (data, batch, network.loss.task)
    do throws(RuntimeError) {
      session = try Session(graph, options: SessionOptions(threads: threads))
    } catch {
      throw .runtime(error)
    }
  }

  /// `parameters` are the network's parameters and then its statistics.
  func measure(_ parameters: [Tensor]) throws(TrainError) -> ScoreMetrics {
    var (loss, correct, elements) = (0.0, 0, 1)
    for first in stride(from: 0, to: data.count, by: batch) {
      // The last sample stands for those that are missing in the last batch.
      let rows = (first..<first + batch).map { min($0, data.count - 1) }
      let count = min(batch, data.count - first)
      let scores = try run(data.inputs(rows) + parameters)
      switch task {
      case .crossEntropy:
        let labels = try data.classes(rows, width: scores.shape[1])
        loss += ScoreCount.crossEntropy(scores, labels, count: count)
        correct += ScoreCount.correct(scores, labels, count: count)
      case .meanSquaredError:
        let targets = try data.targets(rows, like: scores)
        elements = scores.count / max(1, batch)
        loss += ScoreCount.squaredError(scores, targets, count: count)
        if let labels = try data.classesIfKnown(rows, scores) {
          correct += ScoreCount.correct(scores, labels, count: count)
        }
      }
    }
    let count = Double(max(1, data.count))
    return ScoreMetrics(
      loss: loss / (count * Double(elements)),
      accuracy: data.labels == nil ? nil : Double(correct) / count)
  }

  private func run(_ inputs: [Tensor]) throws(TrainError) -> Tensor {
    let outputs: [Tensor]
    do throws(RuntimeError) {
      outputs = try session.run(inputs)
    } catch {
      throw .runtime(error)
    }
    guard let scores = outputs.first, scores.rank >= 2, scores.dtype == .float32 else {
      throw .network("the first output is no float32 vector a sample")
    }
    return scores
  }
}

extension TrainingData {
  /// The classes of samples, each below `width`.
  func classes(_ rows: [Int], width: Int) throws(TrainError) -> [Int] {
    guard let labels, labels.count == count else {
      throw .data("the samples have no classes: training by cross entropy needs one a sample")
    }
    for row in rows where !(0..<width).contains(labels[row]) {
      throw .data(
        "sample \(row) has class \(labels[row]), but the network scores \(width) classes")
    }
    return rows.map { labels[$0] }
  }

  /// The classes where there are any and `scores` has one number a class.
  func classesIfKnown(_ rows: [Int], _ scores: Tensor) throws(TrainError) -> [Int]? {
    guard labels != nil, scores.rank == 2 else { return nil }
    return try classes(rows, width: scores.shape[1])
  }

  /// What a squared error compares `scores` with: the data's own targets, or ones at the classes.
  func targets(_ rows: [Int], like scores: Tensor) throws(TrainError) -> Tensor {
    try targets(rows, shape: scores.shape)
  }

  func targets(_ rows: [Int], shape: [Int]) throws(TrainError) -> Tensor {
    if let own = targets(rows) {
      guard own.dtype == .float32, own.shape == shape else {
        throw .data(
          "targets are \(TensorType(own.dtype, shape: own.shape).text), expected "
            + TensorType(.float32, shape: shape).text)
      }
      return own
    }
    guard shape.count == 2 else {
      throw .data("there are no targets of shape \(shape) to compare the network's output with")
    }
    let classes = try classes(rows, width: shape[1])
    return Tensor(of: Float.self, shape: shape) { target in
      target.update(repeating: 0)
      for (i, label) in classes.enumerated() { target[i * shape[1] + label] = 1 }
    }
  }
}
