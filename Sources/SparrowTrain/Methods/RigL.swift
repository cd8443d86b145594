import Foundation
import SparrowCompress
import SparrowCore

/// Sparse from the first step, under a mask that moves: every few steps each layer drops a fraction of
/// its smallest weights and grows as many where the gradient is largest. Grown weights start at 0, and
/// the optimiser remembers nothing of them. The fraction falls along half a cosine. (Evci et al., arXiv
/// 1911.11134, section 3.)
public struct RigL: SparsityMethod {
  public struct Schedule: Hashable, Sendable {
    /// The fraction of a layer's weights that is exchanged at first.
    public var drop: Double
    /// Steps between two exchanges.
    public var every: Int
    /// Where exchanges end, as a fraction of the whole training.
    public var end: Double

    public init(drop: Double = 0.3, every: Int = 100, end: Double = 0.75) {
      (self.drop, self.every, self.end) = (drop, every, end)
    }
  }

  public var name: String { "rigl" }
  private let mask: MaskSettings
  private let schedule: Schedule
  private var choice: MaskChoice?

  /// The first mask is random; `mask` says how sparse each layer is.
  public init(_ mask: MaskSettings, _ schedule: Schedule = Schedule()) {
    var random = mask
    random.criterion = RandomCriterion().name
    (self.mask, self.schedule) = (random, schedule)
  }

  public mutating func prepare(_ run: TrainingContext) throws(TrainError) {
    guard (0..<1).contains(schedule.drop), schedule.every >= 1, (0...1).contains(schedule.end)
    else {
      throw .setting(
        "rigl drops \(schedule.drop) of the weights every \(schedule.every) steps up to "
          + "\(schedule.end) of the training; expected fractions and steps from 1")
    }
    guard mask.pattern == UnstructuredPattern().name else {
      throw .setting("rigl moves single weights: the pattern must be unstructured")
    }
    choice = try MaskChoice(mask, of: run)
  }

  public mutating func begin(_ run: TrainingContext) throws(TrainError) {
    guard let choice else { return }
    run.setMasks(try choice.masks(of: run, sparsity: choice.target))
  }

  /// Between exchanges, where these are some steps apart.
  public func keepsMasks(_ run: TrainingContext) -> Bool {
    schedule.every >= 20 && !isExchange(run)
  }

  private func isExchange(_ run: TrainingContext) -> Bool {
    run.step > 0 && run.step % schedule.every == 0
      && Double(run.step) < schedule.end * Double(run.steps)
  }

  public mutating func afterGradient(_ run: TrainingContext) throws(TrainError) {
    guard let choice, isExchange(run) else { return }
    let last = schedule.end * Double(run.steps)
    let share = schedule.drop / 2 * (1 + cos(.pi * Double(run.step) / last))
    var masks = run.masks.mapValues { $0.mask }
    for entry in choice.entries {
      guard let mask = masks[entry.parameter] else { continue }
      masks[entry.parameter] = Self.moved(
        mask, weights: run.parameters[entry.parameter], gradients: run.gradients[entry.parameter],
        share: share)
    }
    run.setMasks(masks)
  }

  /// The mask without the fraction `share` of its smallest weights, and as many others: those of the
  /// largest gradients outside what stays. Of equal ones the lower index goes, and grows, first.
  static func moved(
    _ mask: WeightMask, weights: UnsafeMutableBufferPointer<Float>,
    gradients: UnsafeMutableBufferPointer<Float>, share: Double
  ) -> WeightMask {
    let active = (0..<mask.count).filter { mask[$0] }
    let count = Int(share * Double(active.count))
    guard count > 0 else { return mask }
    var isKept = [Bool](repeating: false, count: mask.count)
    for i in active { isKept[i] = true }
    let byWeight = active.sorted { a, b in
      let (x, y) = (abs(weights[a]), abs(weights[b]))
      return x != y ? x < y : a < b
    }
    for i in byWeight.prefix(count) { isKept[i] = false }
    let free = (0..<mask.count).filter { !isKept[$0] }
    let byGradient = free.sorted { a, b in
      let (x, y) = (abs(gradients[a]), abs(gradients[b]))
      return x != y ? x > y : a < b
    }
    for i in byGradient.prefix(count) { isKept[i] = true }
    return WeightMask(count: mask.count) { isKept[$0] }
  }
}
