/// How many gradients a criterion learns from, and of what.
public struct GradientSettings: Hashable, Sendable {
  /// Gradients at most; fewer where there are not so many samples.
  public var count: Int
  /// Samples whose mean loss makes one gradient.
  public var groupSize: Int
  /// The weights of one layer, neighbours in row-major order, whose curvature is looked at together.
  public var blockSize: Int
  /// What scores are divided by before the softmax, whose classes are then drawn from it and not the
  /// samples' own; nil: the samples' own. Without it, samples that a network is sure of, nearly all
  /// where it was trained on them, have no gradients and tell nothing.
  public var temperature: Double?

  public init(
    count: Int, groupSize: Int = 1, blockSize: Int = 1, temperature: Double? = nil
  ) {
    (self.count, self.groupSize, self.blockSize) = (count, groupSize, blockSize)
    self.temperature = temperature
  }
}

/// A criterion that learns from gradients of the loss: the cross entropy of the network's first output
/// to the samples' classes, or to what the whole network predicts where these are not known.
public protocol GradientCriterion: NetworkCriterion {
  var gradientSettings: GradientSettings { get }
}
