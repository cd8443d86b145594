import SparrowCore

/// All surviving weights, biases and normalisation parameters together, by Adam on how far the whole
/// network's activations are from those it had: global AdaPrune. No labels are used.
/// (Frantar and Alistarh, "SPDY", arXiv 2201.13096, section 3.3.)
public struct GlobalAdaPruneRepair: NetworkRepair {
  /// Passes over the calibration data.
  public var epochs = 10
  /// Steps, at most.
  public var mostSteps = 1200
  /// The greatest step of a weight, as a fraction of its tensor's root mean square.
  public var rate = 0.01
  /// Samples of one step, at most.
  public var batch = 16

  public init() {}
  public var name: String { "global-adaprune" }

  public func repaired(
    _ graph: Graph, _ original: Graph, _ run: CalibrationRun, _ settings: CalibrationSettings
  ) throws(CompressError) -> Graph {
    let batches = try Batches(run.data, of: graph, most: min(batch, settings.batch))
    let matching = try OutputMatching(graph, original, batches, run)
    var descent = JointDescent(matching.parameters.map { graph[$0].constant }, rate: rate)
    let learned = matching.learned
    let steps = min(epochs * learned.count, mostSteps)
    let interval = max(1, steps / Self.judgements)
    var best = (tensors: descent.tensors, distance: try matching.distance(descent.tensors))
    for step in 0..<steps {
      run.progress(
        CalibrationProgress(stage: name, fraction: Double(step) / Double(max(1, steps))))
      let batch = learned[Self.place(step, of: learned.count)]
      descent.step(
        try matching.gradients(batch: batch, descent.tensors), factor: Self.factor(step, of: steps))
      guard (step + 1) % interval == 0 else { continue }
      // Samples that no step is made by say which steps are too large.
      let distance = try matching.distance(descent.tensors)
      if distance < best.distance {
        best = (descent.tensors, distance)
      } else {
        descent.restart(from: best.tensors)
      }
    }
    var result = graph
    for (id, tensor) in zip(matching.parameters, best.tensors) { result[id].constant = tensor }
    return result
  }

  /// How often it is looked whether steps still help.
  private static var judgements: Int { 20 }

  /// Another order in each pass, the same in every run: steps of the golden ratio through the data.
  private static func place(_ step: Int, of count: Int) -> Int {
    let place = Double(step) * 0.618_033_988_749_895
    return min(Int((place - place.rounded(.down)) * Double(count)), count - 1)
  }

  /// Rises over the first tenth of the steps, while Adam learns how large gradients are, and falls to 0
  /// along half a cosine.
  private static func factor(_ step: Int, of steps: Int) -> Double {
    let (done, rising) = (Double(step), max(1, 0.1 * Double(steps)))
    guard done >= rising else { return (done + 1) / (rising + 1) }
    return 0.5 * (1 + Math.cos(.pi * (done - rising) / max(1, Double(steps) - rising)))
  }
}

/// All parameters on their way.
private struct JointDescent {
  private var optimizers: [MaskedAdam]

  init(_ tensors: [Tensor?], rate: Double) {
    optimizers = tensors.map { MaskedAdam($0 ?? Tensor([Float]()), rate: rate) }
  }

  var tensors: [Tensor] { optimizers.map { $0.tensor } }

  mutating func step(_ gradients: [Tensor], factor: Double) {
    for (i, gradient) in gradients.enumerated() { optimizers[i].step(gradient, factor: factor) }
  }

  /// Goes back to `tensors`, to go on in smaller steps.
  mutating func restart(from tensors: [Tensor]) {
    for (i, tensor) in tensors.enumerated() { optimizers[i].restart(from: tensor) }
  }
}

/// One tensor under Adam (Kingma and Ba, arXiv 1412.6980); its zeros stay zeros.
private struct MaskedAdam {
  private let shape: [Int]
  private var values: [Float]
  private let keeps: [Bool]
  private var mean: [Float]
  private var square: [Float]
  private var steps = 0
  private var rate: Float

  init(_ tensor: Tensor, rate: Double) {
    shape = tensor.shape
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

  mutating func restart(from tensor: Tensor) {
    values = tensor.floats ?? values
    rate *= Self.shortening
    steps = 0
    for i in values.indices { (mean[i], square[i]) = (0, 0) }
  }

  private static var shortening: Float { 0.3 }

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
