import SparrowCompress
import SparrowCore

/// Movement pruning: weights that move away from 0 stay. Each weight has a score that every step lowers
/// by the rate times weight times gradient; the network is run with the weights of the highest scores,
/// others keep their values and may come back. The sparsity rises as in ``GradualPruning``; at the end of
/// that the choice stays. (Sanh et al., arXiv 2005.07683, sections 3 and 4.)
public struct MovementPruning: SparsityMethod {
  public var name: String { "movement" }
  private let mask: MaskSettings
  private let schedule: GradualPruning.Schedule
  private var choice: MaskChoice?
  private var scores = ParameterMemory(zerosOf: [])
  /// By parameter; the weights that the network is run with.
  private var masks: [Int: MaskWords] = [:]

  public init(_ mask: MaskSettings, _ schedule: GradualPruning.Schedule = .init(start: 0.1)) {
    (self.mask, self.schedule) = (mask, schedule)
  }

  public mutating func prepare(_ run: TrainingContext) throws(TrainError) {
    try schedule.check()
    let choice = try MaskChoice(mask, of: run)
    scores = ParameterMemory(zerosOf: choice.entries.map { $0.layer.weight.shape })
    self.choice = choice
  }

  public mutating func restore(
    _ run: TrainingContext, _ state: [String: Tensor]
  ) throws(TrainError) {
    let reader = CheckpointReader(state: state)
    try reader.load("score", into: scores)
    for entry in choice?.entries ?? [] {
      let mask = try reader.mask("mask.\(entry.parameter)", count: entry.layer.count)
      if let mask { masks[entry.parameter] = MaskWords(mask) }
    }
  }

  public func checkpoint() -> [(String, Tensor)] {
    scores.checkpoint("score")
      + masks.sorted { $0.key < $1.key }.map { ("mask.\($0.key)", $0.value.mask.tensor) }
  }

  public mutating func prepareWeights(_ run: TrainingContext) throws(TrainError) {
    for (i, mask) in masks { mask.apply(from: run.parameters[i], to: run.effectiveMemory(i)) }
  }

  public mutating func afterGradient(_ run: TrainingContext) throws(TrainError) {
    guard let choice else { return }
    for (k, entry) in choice.entries.enumerated() {
      let (weight, gradient) = (run.parameters[entry.parameter], run.gradients[entry.parameter])
      let score = scores[k]
      let rate = Float(run.rate)
      for i in 0..<score.count { score[i] -= rate * weight[i] * gradient[i] }
      masks[entry.parameter]?.apply(to: gradient)
    }
  }

  public mutating func afterStep(_ run: TrainingContext) throws(TrainError) {
    guard let choice, let sparsity = schedule.sparsity(after: run.step + 1, of: run.steps, choice)
    else { return }
    try choose(choice, sparsity)
  }

  public mutating func finish(_ run: TrainingContext) throws(TrainError) {
    if masks.isEmpty, let choice { try choose(choice, choice.target) }
    try prepareWeights(run)
    run.adoptEffectiveMemory()
    masks = [:]
    choice = nil
  }

  private mutating func choose(_ choice: MaskChoice, _ sparsity: Double) throws(TrainError) {
    // Selections go by magnitudes: all scores are raised by as much, to 0 and above.
    var least: Float = 0
    for k in 0..<scores.count { least = min(least, scores[k].min() ?? 0) }
    let raised = (0..<scores.count).map { k in Scores(scores[k].map { $0 - least }) }
    masks = try choice.masks(scores: raised, sparsity: sparsity).mapValues { MaskWords($0) }
  }
}
