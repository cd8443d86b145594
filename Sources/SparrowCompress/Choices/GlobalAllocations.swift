import SparrowCore
import SparrowPasses

/// One threshold for all layers: the lowest-scored units of the whole network go. Of equal scores
/// the earlier layer and lower index go first.
public struct GlobalAllocation: Allocation {
  public init() {}
  public var name: String { "global" }

  public func dropCounts(
    _ layers: [ScoredLayer], sparsity: Double
  ) throws(CompressError) -> [Int] {
    let total = layers.reduce(0) { $0 + $1.layer.count }
    return LowestSelection.distribution(
      layers.map { $0.units }, dropping: Rounding.dropCount(sparsity, of: total))
  }
}

/// Layer-adaptive magnitude pruning: within a layer in ascending order, a unit's score is its square
/// over the sum of the squares from it on; the lowest of the whole network go. Each layer's largest
/// unit scores 1, so that no layer empties before all others have one left. (arXiv 2010.07611.)
public struct LAMPAllocation: Allocation {
  public init() {}
  public var name: String { "lamp" }

  public func dropCounts(
    _ layers: [ScoredLayer], sparsity: Double
  ) throws(CompressError) -> [Int] {
    let total = layers.reduce(0) { $0 + $1.layer.count }
    let ascending = Parallel.map(layers.count) { Self.ascendingScores(layers[$0].units) }
    return LowestSelection.distribution(
      ascending, dropping: Rounding.dropCount(sparsity, of: total))
  }

  /// The LAMP scores of a layer in ascending order, with the sizes of their units. As scores rise
  /// with the units' own scores, how many go says which go.
  static func ascendingScores(_ units: UnitScores) -> UnitScores {
    guard let sizes = units.sizes else {
      return UnitScores(scores: lampScores(AscendingOrder.sortedKeys(of: units.scores)))
    }
    let order = AscendingOrder.sortedIndices(of: units.scores)
    let keys = units.scores.withKeys { keys in order.map { keys[$0] } }
    return UnitScores(scores: lampScores(keys), sizes: order.map { sizes[$0] })
  }

  /// The scores of units whose keys are sorted; zeros score 0. Sums are kept in float64.
  private static func lampScores(_ sortedKeys: [UInt32]) -> Scores {
    let bytes = Bytes(count: sortedKeys.count * 4) { target in
      var sum = 0.0
      for i in sortedKeys.indices.reversed() {
        let value = Double(Float(bitPattern: sortedKeys[i]))
        let square = value * value
        sum += square
        let score = square == 0 ? 0 : Float(square / sum)
        target.storeBytes(of: score, toByteOffset: i * 4, as: Float.self)
      }
    }
    return Scores(bytes: bytes)
  }
}
