import Foundation

/// Everything in `count` rounds, the kept fraction falling by the same factor in each; what a criterion
/// learns from the network is learnt anew in every round. With block Fisher these are the
/// recomputations of oBERT (arXiv 2203.07259, section 3).
public struct RoundsSchedule: Schedule {
  public let count: Int

  public init(_ count: Int) { self.count = max(1, count) }
  public var name: String { "\(count)-rounds" }

  public func run(_ pruning: inout Pruning) throws(CompressError) {
    for round in 1..<max(1, count) {
      let kept = pow(1 - pruning.target, Double(round) / Double(count))
      try pruning.prune(to: 1 - kept)
    }
    try pruning.prune(to: pruning.target)
  }
}
