import SparrowCore

/// Random scores, the baseline of all criteria: uniform in 0 ..< 1, drawn from a seed and the layer's
/// name, so that a layer's scores do not depend on which others there are.
public struct RandomCriterion: SeededCriterion {
  public var seed: UInt64

  public init(seed: UInt64 = 0) { self.seed = seed }
  public var name: String { "random" }
  public func seeded(_ seed: UInt64) -> Self { Self(seed: seed) }

  public func scores(
    of layer: Layer, statistics: LayerStatistics
  ) throws(CompressError) -> Scores {
    // FNV-1a of the name: the same on every machine and in every run.
    var state = 0xcbf2_9ce4_8422_2325 ^ seed
    for byte in layer.name.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
    var random = SplitMix64(seed: state)
    return Scores((0..<layer.count).map { _ in Float(random.next() >> 40) / Float(1 << 24) })
  }
}

/// A criterion with random choices: a recipe's seed decides them.
public protocol SeededCriterion: Criterion {
  func seeded(_ seed: UInt64) -> Self
}
