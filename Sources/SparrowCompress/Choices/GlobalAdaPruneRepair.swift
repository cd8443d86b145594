import SparrowCore

/// All surviving weights, biases and normalisation parameters together, by Adam on how far the whole
/// network's activations are from those it had: global AdaPrune. No labels are used.
/// (Frantar and Alistarh, "SPDY", arXiv 2201.13096, section 3.3.)
public struct GlobalAdaPruneRepair: NetworkRepair {
  /// Passes over the calibration data.
  public var epochs = 10
  /// The first step of a weight, as a fraction of its tensor's root mean square; it falls to 0 along
  /// half a cosine.
  public var rate = 0.02
  /// Samples of one step, at most.
  public var batch = 16

  public init() {}
  public var name: String { "global-adaprune" }

  public func repaired(
    _ graph: Graph, _ original: Graph, _ run: CalibrationRun, _ settings: CalibrationSettings
  ) throws(CompressError) -> Graph {
    let batches = try Batches(run.data, of: graph, most: min(batch, settings.batch))
    let matching = try OutputMatching(graph, original, batches, threads: run.threads)
    var optimizers = matching.parameters.map { id in
      MaskedAdam(graph[id].constant ?? Tensor([Float]()), rate: rate)
    }
    let steps = epochs * batches.count
    for step in 0..<steps {
      let progress = Double(step) / Double(max(1, steps))
      run.progress(CalibrationProgress(stage: name, fraction: progress))
      // Another order each time, the same in every run: a step of the golden ratio through the data.
      let place = Double(step) * 0.618_033_988_749_895
      let index = Int((place - place.rounded(.down)) * Double(batches.count))
      let gradients = try matching.gradients(
        batch: min(index, batches.count - 1), parameters: optimizers.map { $0.tensor })
      let factor = 0.5 * (1 + Math.cos(.pi * progress))
      for (i, gradient) in gradients.enumerated() {
        optimizers[i].step(gradient, factor: factor)
      }
    }
    var result = graph
    for (id, optimizer) in zip(matching.parameters, optimizers) {
      result[id].constant = optimizer.tensor
    }
    return result
  }
}

/// One tensor under Adam (Kingma and Ba, arXiv 1412.6980); its zeros stay zeros.
private struct MaskedAdam {
  private let dtype: DType
  private let shape: [Int]
  private var values: [Float]
  private let keeps: [Bool]
  private var mean: [Float]
  private var square: [Float]
  private var steps = 0
  private let rate: Float

  init(_ tensor: Tensor, rate: Double) {
    (dtype, shape) = (tensor.dtype, tensor.shape)
    values = tensor.floats ?? []
    // Biases may be zero without having been pruned.
    let isVector = shape.count < 2
    keeps = values.map { isVector || $0 != 0 }
    mean = [Float](repeating: 0, count: values.count)
    square = mean
    let kept = Double(max(1, keeps.reduce(0) { $0 + ($1 ? 1 : 0) }))
    let sum = values.reduce(0.0) { $0 + Double($1) * Double($1) }
    self.rate = Float(rate * max(1e-4, (sum / kept).squareRoot()))
  }

  var tensor: Tensor { Tensor(values, shape: shape) }

  mutating func step(_ gradient: Tensor, factor: Double) {
    steps += 1
    let first: Float = 0.9
    let second: Float = 0.999
    let a = 1 - Float(Math.pow(Double(first), Double(steps)))
    let b = 1 - Float(Math.pow(Double(second), Double(steps)))
    let rate = self.rate * Float(factor)
    gradient.withElements(of: Float.self) { gradient in
      for i in values.indices where keeps[i] {
        let g = gradient[i]
        guard g.isFinite else { continue }
        mean[i] += (1 - first) * (g - mean[i])
        square[i] += (1 - second) * (g * g - square[i])
        values[i] -= rate * (mean[i] / a) / ((square[i] / b).squareRoot() + 1e-12)
      }
    }
  }
}
