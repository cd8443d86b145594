import Foundation
import SparrowCompress
import SparrowCore

/// Magnitude pruning in rounds of training: the whole training is cut into cycles of equal length, each
/// with the whole schedule of the learning rate. After each cycle but the last the kept fraction of the
/// weights falls by the same factor, and the network goes on in one of four ways. One round is one-shot
/// pruning after dense training. (Frankle and Carbin, arXiv 1803.03635; Liu et al., arXiv 2102.11068,
/// section 2.)
public struct IterativeMagnitude: SparsityMethod {
  /// What becomes of the weights that stay.
  public enum Continuation: String, CaseIterable, Codable, Hashable, Sendable {
    /// They go back to what they were before training: the lottery ticket.
    case ticket
    /// They get first values of other weights of their tensor, in random order.
    case reinit
    /// They go back to what they were after a few epochs.
    case rewind
    /// They stay as they are.
    case fineTune = "fine-tune"
  }

  public struct Schedule: Hashable, Sendable {
    public var rounds: Int
    public var continuation: Continuation
    /// The epochs after which the weights are what a rewind goes back to.
    public var rewindEpochs: Int

    public init(
      rounds: Int = 1, continuation: Continuation = .fineTune, rewindEpochs: Int = 10
    ) {
      (self.rounds, self.continuation, self.rewindEpochs) = (rounds, continuation, rewindEpochs)
    }
  }

  public var name: String { "iterative" }
  private let mask: MaskSettings
  private let schedule: Schedule
  private var choice: MaskChoice?
  /// Parameters and statistics, as they were before training or at the point of rewinding.
  private var origin: [Tensor] = []

  public init(_ mask: MaskSettings, _ schedule: Schedule = Schedule()) {
    (self.mask, self.schedule) = (mask, schedule)
  }

  public mutating func prepare(_ run: TrainingContext) throws(TrainError) {
    guard (1...1000).contains(schedule.rounds), run.epochs > schedule.rounds else {
      throw .setting(
        "\(schedule.rounds) rounds of pruning need a cycle of training before each and one after: "
          + "\(schedule.rounds + 1) epochs or more, found \(run.epochs)")
    }
    let first = cycle(of: 0, epochs: run.epochs)
    guard schedule.continuation != .rewind || first.contains(schedule.rewindEpochs) else {
      throw .setting(
        "rewinding goes back to epoch \(schedule.rewindEpochs), but the first cycle has "
          + "\(first.count) epochs")
    }
    choice = try MaskChoice(mask, of: run)
  }

  public mutating func begin(_ run: TrainingContext) throws(TrainError) { remember(run) }

  public mutating func restore(
    _ run: TrainingContext, _ state: [String: Tensor]
  ) throws(TrainError) {
    guard schedule.continuation != .fineTune else { return }
    let reader = CheckpointReader(state: state)
    let shapes = (run.parameters.tensors + run.statistics.tensors).map { $0.shape }
    var tensors: [Tensor] = []
    for (i, shape) in shapes.enumerated() {
      tensors.append(try reader.tensor("origin.\(i)", .float32, shape))
    }
    origin = tensors
  }

  public func checkpoint() -> [(String, Tensor)] {
    origin.enumerated().map { ("origin.\($0.offset)", $0.element) }
  }

  public func cycle(of epoch: Int, epochs: Int) -> Range<Int> {
    let cycles = schedule.rounds + 1
    func start(_ k: Int) -> Int { k * epochs / cycles }
    let k = (0..<cycles).last { start($0) <= epoch } ?? 0
    return start(k)..<start(k + 1)
  }

  public func keepsMasks(_ run: TrainingContext) -> Bool { true }

  public mutating func beginEpoch(_ run: TrainingContext) throws(TrainError) {
    if schedule.continuation == .rewind, run.epoch == schedule.rewindEpochs { remember(run) }
    let span = cycle(of: run.epoch, epochs: run.epochs)
    guard let choice, run.epoch > 0, run.epoch == span.lowerBound else { return }
    let round = (1...schedule.rounds).first {
      cycle(of: run.epoch, epochs: run.epochs).lowerBound
        == $0 * run.epochs / (schedule.rounds + 1)
    }
    let share = Double(round ?? schedule.rounds) / Double(schedule.rounds)
    let sparsity = 1 - pow(1 - choice.target, share)
    let masks = try choice.masks(of: run, sparsity: sparsity)
    restart(run, round: round ?? schedule.rounds)
    run.optimizer.reset()
    run.setMasks(masks)
  }

  private mutating func remember(_ run: TrainingContext) {
    guard schedule.continuation != .fineTune else { return }
    origin = run.parameters.copies() + run.statistics.copies()
  }

  private func restart(_ run: TrainingContext, round: Int) {
    guard schedule.continuation != .fineTune else { return }
    let count = run.parameters.count
    for i in 0..<count {
      run.parameters.load(origin[i], at: i)
      guard schedule.continuation == .reinit, origin[i].rank > 1 else { continue }
      let weights = run.parameters[i]
      var random = Draw.generator(.initial, seed: run.settings.seed, round, i)
      for j in 0..<max(0, weights.count - 1) {
        weights.swapAt(j, j + random.below(weights.count - j))
      }
    }
    for i in 0..<run.statistics.count { run.statistics.load(origin[count + i], at: i) }
  }
}
