/// How calibration data is used: the part of a recipe that does not depend on the machine.
public struct CalibrationSettings: Hashable, Sendable {
  /// The samples used, drawn by ``seed``; nil: all there are.
  public var samples: Int?
  /// Samples that run through the network at once, at most; a model with a batch of its own decides.
  public var batch = 64
  /// What every random choice follows from: which samples, which random scores.
  public var seed: UInt64 = 0
  /// The damping of least squares, as a fraction of the mean diagonal of the inputs' products; nil:
  /// for each layer what a part of the samples, held out of the solution, likes best.
  public var ridge: Double?

  public init(samples: Int? = nil, batch: Int = 64, seed: UInt64 = 0, ridge: Double? = nil) {
    (self.samples, self.batch, self.seed, self.ridge) = (samples, batch, seed, ridge)
  }
}
