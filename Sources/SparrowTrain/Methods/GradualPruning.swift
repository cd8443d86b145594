import SparrowCore

/// Gradual magnitude pruning: between two points of the training the sparsity rises from the first to
/// the last value along `s(t) = s_f + (s_i - s_f)(1 - (t - t0) / (t1 - t0))^3`, masks being chosen
/// anew every few steps; then it stays. (Zhu and Gupta, arXiv 1710.01878, section 3.)
public struct GradualPruning: SparsityMethod {
  public struct Schedule: Hashable, Sendable {
    /// Fractions of the whole training.
    public var start: Double
    public var end: Double
    /// The sparsity at the start.
    public var initial: Double
    /// Steps between two masks; nil: a hundredth of the time.
    public var every: Int?

    public init(start: Double = 0, end: Double = 0.75, initial: Double = 0, every: Int? = nil) {
      (self.start, self.end, self.initial, self.every) = (start, end, initial, every)
    }
  }

  public var name: String { "gmp" }
  private let mask: MaskSettings
  private let schedule: Schedule
  private var choice: MaskChoice?

  public init(_ mask: MaskSettings, _ schedule: Schedule = Schedule()) {
    (self.mask, self.schedule) = (mask, schedule)
  }

  public mutating func prepare(_ run: TrainingContext) throws(TrainError) {
    try schedule.check()
    choice = try MaskChoice(mask, of: run)
  }

  public func keepsMasks(_ run: TrainingContext) -> Bool {
    run.step >= schedule.last(of: run.steps)
  }

  public mutating func afterStep(_ run: TrainingContext) throws(TrainError) {
    guard let choice, let sparsity = schedule.sparsity(after: run.step + 1, of: run.steps, choice)
    else { return }
    run.setMasks(try choice.masks(of: run, sparsity: sparsity))
  }
}

extension GradualPruning.Schedule {
  /// The sparsity that is due after `done` of `steps` steps; nil where masks stay as they are.
  func sparsity(after done: Int, of steps: Int, _ choice: MaskChoice) -> Double? {
    let first = Int((start * Double(steps)).rounded())
    let last = last(of: steps)
    guard (first...last).contains(done) else { return nil }
    let interval = every ?? max(1, (last - first) / 100)
    guard done == last || (done - first) % interval == 0 else { return nil }
    let share = last == first ? 1 : Double(done - first) / Double(last - first)
    let rest = (1 - share) * (1 - share) * (1 - share)
    return max(0, choice.target + (initial - choice.target) * rest)
  }

  /// The number of steps after which masks stay as they are.
  func last(of steps: Int) -> Int {
    max(1, Int((start * Double(steps)).rounded()), Int((end * Double(steps)).rounded()))
  }

  func check() throws(TrainError) {
    guard 0 <= start, start <= end, end <= 1 else {
      throw .setting(
        "pruning starts at \(start) and ends at \(end) of the training, expected fractions from 0 to "
          + "1, the end not before the start")
    }
    guard (0..<1).contains(initial), every ?? 1 >= 1 else {
      throw .setting(
        "pruning begins at sparsity \(initial), every \(every ?? 1) steps; expected a sparsity below "
          + "1 and steps from 1")
    }
  }
}
