import SparrowCore
import SparrowRuntime

/// Measures a network in training on samples that it does not learn from.
struct HeldOut {
  private let data: any TrainingData
  private let session: Session
  private let batch: Int
  private let task: TrainingLoss.Task
  /// How much of the multiply-adds each gate decides on.
  private let gateShares: [Double]

  init(
    _ data: any TrainingData, _ network: TrainingGraph, batch: Int, threads: Int
  ) throws(TrainError) {
    let graph = try network.inferenceGraph()
    (self.data, self.batch, task) = (data, batch, network.loss.task)
    gateShares = network.gateShares
    do throws(RuntimeError) {
      session = try Session(graph, options: SessionOptions(threads: threads))
    } catch {
      throw .runtime(error)
    }
  }

  /// `parameters` are the network's parameters and then its statistics.
  func measure(_ parameters: [Tensor]) throws(TrainError) -> ScoreMetrics {
    var sums = Sums()
    for first in stride(from: 0, to: data.count, by: batch) {
      // The last sample stands for those that are missing in the last batch.
      let rows = (first..<first + batch).map { min($0, data.count - 1) }
      let count = min(batch, data.count - first)
      let outputs = try run(data.inputs(rows) + parameters)
      try add(outputs[0], rows, count, &sums)
      sums.saved += saved(outputs.dropFirst(), count)
    }
    let count = Double(max(1, data.count))
    let isScored = task.needsLabels
    return ScoreMetrics(
      loss: isScored ? sums.loss / (count * Double(sums.elements)) : nil,
      accuracy: isScored && data.labels != nil ? Double(sums.correct) / count : nil,
      meanPerClass: sums.classes.meanAccuracy,
      macs: gateShares.isEmpty ? nil : 1 - sums.saved / count)
  }

  /// What batches add up to.
  private struct Sums {
    var loss = 0.0
    var correct = 0
    var classes = ClassCounts()
    /// Of a sample's scores.
    var elements = 1
    /// Of each sample, the fraction of multiply-adds that closed channels save.
    var saved = 0.0

    /// The first `count` samples' scores.
    mutating func count(_ scores: Tensor, _ labels: [Int], _ count: Int) {
      for (label, best) in zip(labels, ScoreCount.largest(scores, count: count)) {
        correct += label == best ? 1 : 0
        classes.count(label, isRight: label == best)
      }
    }
  }

  private func add(
    _ scores: Tensor, _ rows: [Int], _ count: Int, _ sums: inout Sums
  ) throws(TrainError) {
    switch task {
    case .crossEntropy:
      let labels = try data.classes(rows, width: scores.shape[1])
      sums.loss += ScoreCount.crossEntropy(scores, labels, count: count)
      sums.count(scores, labels, count)
    case .meanSquaredError:
      let targets = try data.targets(rows, like: scores)
      sums.elements = scores.count / max(1, batch)
      sums.loss += ScoreCount.squaredError(scores, targets, count: count)
      if let labels = try data.classesIfKnown(rows, scores) { sums.count(scores, labels, count) }
    case .vicReg: break
    }
  }

  /// The sum over the first `count` samples of what closed channels save.
  private func saved(_ open: ArraySlice<Tensor>, _ count: Int) -> Double {
    zip(open, gateShares).reduce(0.0) { sum, gate in
      let channels = gate.0.count / max(1, batch)
      let flags = gate.0.dense().denseBytes?.array(of: UInt8.self) ?? []
      let closed = flags.prefix(count * channels).count { $0 == 0 }
      return sum + gate.1 * Double(closed) / Double(max(1, channels))
    }
  }

  private func run(_ inputs: [Tensor]) throws(TrainError) -> [Tensor] {
    let outputs: [Tensor]
    do throws(RuntimeError) {
      outputs = try session.run(inputs)
    } catch {
      throw .runtime(error)
    }
    guard let scores = outputs.first, scores.rank >= 2, scores.dtype == .float32 else {
      throw .network("the first output is no float32 vector a sample")
    }
    return outputs
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
