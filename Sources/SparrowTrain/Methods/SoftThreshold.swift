import Foundation
import SparrowCore

/// STR: the network is run with `sign(w) max(|w| - sigmoid(s), 0)`, with one threshold s a layer that is
/// trained with the weights, and decays with them; as it decays towards 0 from below, the threshold
/// rises and weights vanish. (Kusupati et al., arXiv 2002.03231, section 3.)
///
/// How sparse the network gets follows from the first s and the weight decay. With a target, thresholds
/// stop rising while that much of the weights is zero.
public struct SoftThreshold: SparsityMethod {
  public struct Settings: Hashable, Sendable {
    /// The first s: thresholds begin at sigmoid(s).
    public var start: Double
    /// The decay of s; nil: the optimiser's.
    public var decay: Double?

    public init(start: Double = -5, decay: Double? = nil) {
      (self.start, self.decay) = (start, decay)
    }
  }

  public var name: String { "str" }
  private let mask: MaskSettings
  private let settings: Settings
  private var choice: MaskChoice?
  /// One an entry.
  private var thresholds: [Double] = []
  private var velocities: [Double] = []
  /// The fraction of zeros when the network was last run.
  private var sparsity = 0.0

  /// `mask` says which weights, and where thresholds stop; its other choices do not apply.
  public init(_ mask: MaskSettings, _ settings: Settings = Settings()) {
    (self.mask, self.settings) = (mask, settings)
  }

  public mutating func prepare(_ run: TrainingContext) throws(TrainError) {
    guard settings.start.isFinite, settings.decay ?? 0 >= 0 else {
      throw .setting(
        "str begins at s = \(settings.start) with decay \(settings.decay ?? 0), expected numbers, the "
          + "decay 0 or more")
    }
    var own = mask
    own.sparsity = mask.sparsity ?? 0
    let choice = try MaskChoice(own, of: run)
    thresholds = choice.entries.map { _ in settings.start }
    velocities = choice.entries.map { _ in 0 }
    self.choice = choice
  }

  public mutating func restore(
    _ run: TrainingContext, _ state: [String: Tensor]
  ) throws(TrainError) {
    let reader = CheckpointReader(state: state)
    thresholds = try reader.doubles("thresholds", count: thresholds.count)
    velocities = try reader.doubles("velocities", count: velocities.count)
    try prepareWeights(run)
  }

  public func checkpoint() -> [(String, Tensor)] {
    [("thresholds", Tensor(thresholds)), ("velocities", Tensor(velocities))]
  }

  public mutating func prepareWeights(_ run: TrainingContext) throws(TrainError) {
    guard let choice else { return }
    var (zeros, all) = (0, 0)
    for (entry, s) in zip(choice.entries, thresholds) {
      let (weights, target) = (
        run.parameters[entry.parameter], run.effectiveMemory(entry.parameter)
      )
      let threshold = Float(Self.sigmoid(s))
      for i in 0..<weights.count {
        let left = abs(weights[i]) - threshold
        target[i] = left > 0 ? (weights[i] < 0 ? -left : left) : 0
        zeros += left > 0 ? 0 : 1
      }
      all += weights.count
    }
    sparsity = Double(zeros) / Double(max(1, all))
  }

  public mutating func afterGradient(_ run: TrainingContext) throws(TrainError) {
    guard let choice else { return }
    let optimizer = run.settings.optimizer
    let isFull = mask.sparsity.map { sparsity >= $0 } ?? false
    for (k, entry) in choice.entries.enumerated() {
      let (weights, gradient) = (run.parameters[entry.parameter], run.gradients[entry.parameter])
      let value = Self.sigmoid(thresholds[k])
      let threshold = Float(value)
      var pull = 0.0
      for i in 0..<weights.count {
        guard abs(weights[i]) > threshold else {
          gradient[i] = 0
          continue
        }
        pull -= Double(weights[i] < 0 ? -gradient[i] : gradient[i])
      }
      let decay = settings.decay ?? optimizer.weightDecay
      let slope = pull * value * (1 - value) + decay * thresholds[k]
      velocities[k] = optimizer.momentum * velocities[k] + slope
      let moved = thresholds[k] - run.rate * velocities[k]
      if !isFull || moved < thresholds[k] { thresholds[k] = moved }
    }
  }

  /// What the network was run with is what it is.
  public mutating func finish(_ run: TrainingContext) throws(TrainError) {
    try prepareWeights(run)
    run.adoptEffectiveMemory()
    choice = nil
  }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
}
