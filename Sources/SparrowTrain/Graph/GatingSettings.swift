import Foundation

/// How gates are trained: they are to leave a fraction of the dense network's multiply-adds. (Krishna et
/// al. 2023, Unifying Synergies between Self-supervised Learning and Dynamic Computation, arXiv
/// 2301.09164, section 3.)
///
/// A gate is open where `sigmoid((logit + noise) / temperature)` is a half or more, noise logistic, and
/// has that sigmoid's slope (straight-through). With F the multiply-adds of convolutions, d_l the
/// fraction of channels that the l-th gate leaves open, both means over the batch, and
/// `p = exp(-decay epoch)`, the loss has more:
/// ```
/// weight (F / F_dense - target)^2
/// + bounds (mean_l max(0, p sqrt(target) - d_l)^2 + mean_l max(0, d_l - 1 + p - p sqrt(target))^2)
/// ```
/// After training, a gate is open where its logit is 0 or more. The last epochs may be trained so too,
/// without noise, for running statistics and the fraction that is left to be those of use.
public struct GatingSettings: Hashable, Sendable {
  /// The fraction of multiply-adds that is to be left, above 0 and at most 1.
  public var target: Double
  public var weight: Double
  public var bounds: Double
  /// Per epoch: the bounds, tight at first, loosen the faster the larger it is.
  public var decay: Double
  public var temperature: Double
  /// The fraction of the epochs, the last ones, that have no noise.
  public var settling: Double

  public init(
    target: Double, weight: Double = 5, bounds: Double = 1, decay: Double = 0.02,
    temperature: Double = 2.0 / 3, settling: Double = 0
  ) {
    (self.target, self.weight, self.bounds) = (target, weight, bounds)
    (self.decay, self.temperature, self.settling) = (decay, temperature, settling)
  }

  /// Whether gates have noise in an epoch, from 0, of so many.
  func isNoisy(epoch: Int, of epochs: Int) -> Bool {
    Double(epoch) < Double(epochs) * (1 - settling)
  }

  /// p, in an epoch from 0.
  func tightness(epoch: Int) -> Double { exp(-decay * Double(epoch)) }

  func check() throws(TrainError) {
    guard target > 0, target <= 1 else {
      throw .setting(
        "gating is to leave \(target) of the multiply-adds, expected a fraction above 0 and at most 1"
      )
    }
    for (name, value) in [("weight", weight), ("bounds", bounds), ("decay", decay)]
    where !(value >= 0 && value.isFinite) {
      throw .setting("gating's \(name) is \(value), expected a number from 0")
    }
    guard settling >= 0, settling <= 1 else {
      throw .setting("gating's settling is \(settling), expected a fraction of the epochs, 0 to 1")
    }
    guard temperature > 0, temperature.isFinite else {
      throw .setting("gating's temperature is \(temperature), expected a number above 0")
    }
  }
}
