import Foundation

/// The learning rate of every step.
public struct LearningRateSchedule: Hashable, Sendable {
  public enum Shape: Hashable, Sendable {
    case constant
    /// Times `factor` at each of the milestones, which are epochs.
    case step(milestones: [Double], factor: Double = 0.1)
    /// Half a cosine down to `final` times the rate. (Loshchilov and Hutter, arXiv 1608.03983,
    /// equation 5.)
    case cosine(final: Double = 0)
  }

  /// The highest rate.
  public var rate: Double
  public var shape: Shape
  /// Epochs in which the rate first rises in a straight line.
  public var warmUp: Double

  public init(_ rate: Double, _ shape: Shape = .constant, warmUp: Double = 0) {
    (self.rate, self.shape, self.warmUp) = (rate, shape, warmUp)
  }

  /// The rate of `step`, from 0, of `steps`, with so many steps an epoch.
  public func rate(step: Int, of steps: Int, stepsPerEpoch: Int) -> Double {
    let rising = warmUp * Double(stepsPerEpoch)
    let now = Double(step)
    if now < rising { return rate * (now + 1) / rising.rounded(.up) }
    switch shape {
    case .constant: return rate
    case .step(let milestones, let factor):
      let passed = milestones.filter { now >= $0 * Double(stepsPerEpoch) }.count
      return rate * pow(factor, Double(passed))
    case .cosine(let final):
      let share = min(1, (now - rising) / max(1, Double(steps) - rising))
      return rate * (final + (1 - final) * 0.5 * (1 + cos(.pi * share)))
    }
  }

  func check() throws(TrainError) {
    guard rate > 0, rate.isFinite else {
      throw .setting("the learning rate is \(rate), expected a number above 0")
    }
    guard warmUp >= 0, warmUp.isFinite else {
      throw .setting("warm-up is \(warmUp) epochs, expected 0 or more")
    }
    switch shape {
    case .constant: return
    case .step(let milestones, let factor):
      guard factor > 0, factor.isFinite, milestones.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
        throw .setting("milestones must be epochs from 0, and their factor a number above 0")
      }
    case .cosine(let final):
      guard (0...1).contains(final) else {
        throw .setting("the cosine ends at \(final) of the learning rate, expected 0 to 1")
      }
    }
  }
}
