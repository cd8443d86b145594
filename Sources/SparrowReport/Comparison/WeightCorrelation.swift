import SparrowCore

/// How far the largest weights of two models are the same ones: the correlation indicator
/// `R_p = sum |T_p(w) intersect T_p(w')| / (p sum N)` over common weights, T_p the places of the largest
/// fraction p of a weight's N magnitudes. Near p the models are unrelated, at 1 their largest weights
/// stand at the same places. Where a model is sparse, only places that both keep count, N among them.
/// (Liu et al., arXiv 2102.11068, equation 1 and section 3.)
public struct WeightCorrelation: Codable, Hashable, Sendable {
  /// p.
  public var fraction: Double
  /// R_p; absent where no place is kept by both.
  public var value: Double?

  /// The fraction that the paper uses.
  public static var usualFraction: Double { 0.2 }

  public init(fraction: Double, value: Double?) { (self.fraction, self.value) = (fraction, value) }

  init(_ fraction: Double, _ overlaps: [Overlap]) {
    self.fraction = fraction
    let largest = overlaps.reduce(0) { $0 + $1.largest }
    value = largest > 0 ? Double(overlaps.reduce(0) { $0 + $1.common }) / Double(largest) : nil
  }

  /// The largest magnitudes of one weight in two models.
  struct Overlap: Hashable, Sendable {
    /// How many count as the largest.
    var largest = 0
    /// How many places are among the largest of both.
    var common = 0

    /// Of the elements that are zero in neither; of equal magnitudes the first ones are the larger.
    init(_ first: [Float], _ second: [Float], fraction: Double) {
      let kept = zip(first, second).indices { $0 != 0 && $1 != 0 }
      largest = Int((fraction * Double(kept.count)).rounded())
      guard largest > 0 else { return }
      let (a, b) = (Self.largest(first, kept, largest), Self.largest(second, kept, largest))
      common = zip(a, b).reduce(0) { $0 + ($1.0 && $1.1 ? 1 : 0) }
    }

    /// Which of `places` hold the `count` largest magnitudes.
    private static func largest(_ values: [Float], _ places: [Int], _ count: Int) -> [Bool] {
      let bound = places.map { abs(values[$0]) }.sorted(by: >)[count - 1]
      var ties = count - places.reduce(0) { $0 + (abs(values[$1]) > bound ? 1 : 0) }
      return places.map { place in
        let magnitude = abs(values[place])
        guard magnitude == bound, ties > 0 else { return magnitude > bound }
        ties -= 1
        return true
      }
    }
  }
}

extension Zip2Sequence<[Float], [Float]> {
  fileprivate func indices(_ isKept: (Float, Float) -> Bool) -> [Int] {
    var result: [Int] = []
    for (i, (a, b)) in enumerated() where isKept(a, b) && !a.isNaN && !b.isNaN { result.append(i) }
    return result
  }
}
