import SparrowCompress
import SparrowCore

/// ADMM: weights are drawn towards the nearest sparse ones while they are trained, so that little is lost
/// when the others go: `W <- argmin f(W) + rho/2 |W - Z + U|^2` by gradient steps, and every few of them
/// `Z <- the largest of W + U`, `U <- U + W - Z`. Then weights outside the last Z go, and the others are
/// trained on. (Zhang et al., arXiv 1804.03294, section 3.)
public struct ADMMPruning: SparsityMethod {
  public struct Schedule: Hashable, Sendable {
    public var rho: Double
    /// Steps between two changes of Z and U; nil: an epoch.
    public var every: Int?
    /// Where weights go, as a fraction of the whole training.
    public var end: Double

    public init(rho: Double = 1e-2, every: Int? = nil, end: Double = 0.5) {
      (self.rho, self.every, self.end) = (rho, every, end)
    }
  }

  public var name: String { "admm" }
  private let mask: MaskSettings
  private let schedule: Schedule
  private var choice: MaskChoice?
  /// Z and U, one an entry.
  private var sparse = ParameterMemory(zerosOf: [])
  private var dual = ParameterMemory(zerosOf: [])

  public init(_ mask: MaskSettings, _ schedule: Schedule = Schedule()) {
    (self.mask, self.schedule) = (mask, schedule)
  }

  public mutating func prepare(_ run: TrainingContext) throws(TrainError) {
    guard schedule.rho > 0, schedule.rho.isFinite, schedule.every ?? 1 >= 1,
      (0...1).contains(schedule.end)
    else {
      throw .setting(
        "admm has rho \(schedule.rho), every \(schedule.every ?? 1) steps up to \(schedule.end) of "
          + "the training; expected rho above 0, steps from 1 and a fraction")
    }
    guard mask.criterion == MagnitudeCriterion().name else {
      throw .setting("admm keeps the largest weights: the criterion must be magnitude")
    }
    let choice = try MaskChoice(mask, of: run)
    let shapes = choice.entries.map { $0.layer.weight.shape }
    (sparse, dual) = (ParameterMemory(zerosOf: shapes), ParameterMemory(zerosOf: shapes))
    self.choice = choice
  }

  public mutating func begin(_ run: TrainingContext) throws(TrainError) {
    guard let choice else { return }
    try project(choice, run)
  }

  public mutating func restore(
    _ run: TrainingContext, _ state: [String: Tensor]
  ) throws(TrainError) {
    let reader = CheckpointReader(state: state)
    try reader.load("sparse", into: sparse)
    try reader.load("dual", into: dual)
  }

  public func checkpoint() -> [(String, Tensor)] {
    sparse.checkpoint("sparse") + dual.checkpoint("dual")
  }

  public mutating func afterGradient(_ run: TrainingContext) throws(TrainError) {
    guard let choice, run.masks.isEmpty else { return }
    let rho = Float(schedule.rho)
    for (k, entry) in choice.entries.enumerated() {
      let (w, g) = (run.parameters[entry.parameter], run.gradients[entry.parameter])
      let (z, u) = (sparse[k], dual[k])
      for i in 0..<w.count { g[i] += rho * (w[i] - z[i] + u[i]) }
    }
  }

  public func keepsMasks(_ run: TrainingContext) -> Bool { true }

  public mutating func afterStep(_ run: TrainingContext) throws(TrainError) {
    guard let choice, run.masks.isEmpty else { return }
    let done = run.step + 1
    if Double(done) >= schedule.end * Double(run.steps) {
      run.setMasks(try choice.masks(scores: sums(choice, run), sparsity: choice.target))
    } else if done % (schedule.every ?? run.stepsPerEpoch) == 0 {
      try project(choice, run)
      for (k, entry) in choice.entries.enumerated() {
        let (w, z, u) = (run.parameters[entry.parameter], sparse[k], dual[k])
        for i in 0..<w.count { u[i] += w[i] - z[i] }
      }
    }
  }

  /// Z becomes W + U with zeros in the place of all but the largest.
  private func project(_ choice: MaskChoice, _ run: TrainingContext) throws(TrainError) {
    let masks = try choice.masks(scores: sums(choice, run), sparsity: choice.target)
    for (k, entry) in choice.entries.enumerated() {
      let (w, z, u) = (run.parameters[entry.parameter], sparse[k], dual[k])
      for i in 0..<w.count { z[i] = w[i] + u[i] }
      if let mask = masks[entry.parameter] { MaskWords(mask).apply(to: z) }
    }
  }

  /// W + U of each entry.
  private func sums(_ choice: MaskChoice, _ run: TrainingContext) -> [Scores] {
    choice.entries.enumerated().map { k, entry in
      let (w, u) = (run.parameters[entry.parameter], dual[k])
      return Scores((0..<w.count).map { w[$0] + u[$0] })
    }
  }
}
