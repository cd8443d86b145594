import SparrowCore

/// How a network becomes sparse while it is trained: what happens at each point of a run.
///
/// ```
/// prepare, begin (or restore) | beginEpoch | prepareWeights, gradient, afterGradient, update,
/// afterStep | ... | endEpoch | ... | finish
/// ```
/// Masks that a method sets are held by the run. All else that a method must know after an
/// interruption is in ``checkpoint()``.
public protocol SparsityMethod {
  /// The name on the command line and in recipes.
  var name: String { get }
  /// Before anything else, also of a run that goes on from a checkpoint.
  mutating func prepare(_ run: TrainingContext) throws(TrainError)
  /// Before the first step.
  mutating func begin(_ run: TrainingContext) throws(TrainError)
  /// In the place of ``begin(_:)``, with what ``checkpoint()`` told.
  mutating func restore(
    _ run: TrainingContext, _ state: [String: Tensor]
  ) throws(TrainError)
  mutating func beginEpoch(_ run: TrainingContext) throws(TrainError)
  /// Before the network is run: to train or to be measured. Must not change what it is run with when
  /// it is called again.
  mutating func prepareWeights(_ run: TrainingContext) throws(TrainError)
  /// Gradients are there, of masked weights too; they may be changed.
  mutating func afterGradient(_ run: TrainingContext) throws(TrainError)
  /// Parameters are changed, and zeroed where masks say.
  mutating func afterStep(_ run: TrainingContext) throws(TrainError)
  mutating func endEpoch(_ run: TrainingContext) throws(TrainError)
  /// After the last step, before the last measurement.
  mutating func finish(_ run: TrainingContext) throws(TrainError)
  /// Whether the masks stay as they are for a while, and gradients of what they drop are not needed in
  /// the present step: then it may be worth a plan of its own. Must follow from the step and from what
  /// ``checkpoint()`` tells alone.
  func keepsMasks(_ run: TrainingContext) -> Bool
  /// The epochs over which the learning rate goes through its schedule once, around `epoch`.
  func cycle(of epoch: Int, epochs: Int) -> Range<Int>
  func checkpoint() -> [(String, Tensor)]
}

extension SparsityMethod {
  public mutating func prepare(_ run: TrainingContext) throws(TrainError) {}
  public mutating func begin(_ run: TrainingContext) throws(TrainError) {}
  public mutating func restore(
    _ run: TrainingContext, _ state: [String: Tensor]
  ) throws(TrainError) {}
  public mutating func beginEpoch(_ run: TrainingContext) throws(TrainError) {}
  public mutating func prepareWeights(_ run: TrainingContext) throws(TrainError) {}
  public mutating func afterGradient(_ run: TrainingContext) throws(TrainError) {}
  public mutating func afterStep(_ run: TrainingContext) throws(TrainError) {}
  public mutating func endEpoch(_ run: TrainingContext) throws(TrainError) {}
  public mutating func finish(_ run: TrainingContext) throws(TrainError) {}
  public func keepsMasks(_ run: TrainingContext) -> Bool { false }
  public func cycle(of epoch: Int, epochs: Int) -> Range<Int> { 0..<epochs }
  public func checkpoint() -> [(String, Tensor)] { [] }
}

/// No sparsity: plain training.
public struct DenseTraining: SparsityMethod {
  public init() {}
  public var name: String { "dense" }
}
