import SparrowCore

/// AC/DC: dense and sparse phases in turn, so that sparse ones begin at masks that dense training may
/// correct; when weights are let go free again the optimiser starts anew. (Peste et al., arXiv
/// 2106.12379, algorithm 1 and section 4.)
///
/// ```
/// of 100 epochs   0      10  15  20  25            70  75       85        100
///                 dense  | sp | d | sp | ... | d | sp | dense    | sparse
/// ```
public struct AlternatingCompression: SparsityMethod {
  /// Where phases change, as fractions of the whole training.
  public struct Schedule: Hashable, Sendable {
    public var warmUp = 0.1
    /// The length of a phase.
    public var phase = 0.05
    /// Phases alternate up to here; then the network is dense.
    public var alternates = 0.75
    /// From here on it is sparse.
    public var final = 0.85

    public init() {}

    func isSparse(_ share: Double) -> Bool {
      // A little more than the share, so that a boundary belongs to what follows it.
      let now = share + 1e-9
      if now >= final { return true }
      if now < warmUp || now >= alternates { return false }
      return Int((now - warmUp) / phase) % 2 == 0
    }
  }

  public var name: String { "acdc" }
  private let mask: MaskSettings
  private let schedule: Schedule
  private var choice: MaskChoice?

  public init(_ mask: MaskSettings, _ schedule: Schedule = Schedule()) {
    (self.mask, self.schedule) = (mask, schedule)
  }

  public mutating func prepare(_ run: TrainingContext) throws(TrainError) {
    choice = try MaskChoice(mask, of: run)
  }

  public func keepsMasks(_ run: TrainingContext) -> Bool { true }

  public mutating func afterStep(_ run: TrainingContext) throws(TrainError) {
    let next = run.step + 1
    try enter(sparse: schedule.isSparse(Double(next) / Double(run.steps)), run)
  }

  public mutating func finish(_ run: TrainingContext) throws(TrainError) {
    try enter(sparse: true, run)
  }

  private func enter(sparse: Bool, _ run: TrainingContext) throws(TrainError) {
    guard let choice, sparse != !run.masks.isEmpty else { return }
    if sparse {
      run.setMasks(try choice.masks(of: run, sparsity: choice.target))
    } else {
      run.removeMasks()
      run.optimizer.reset()
    }
  }
}
