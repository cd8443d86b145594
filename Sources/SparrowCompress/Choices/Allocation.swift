import SparrowCore

/// How sparse each layer becomes.
public protocol Allocation: Sendable {
  /// The name on the command line, in recipes and in reports.
  var name: String { get }
  /// The number of weights each layer loses so that the fraction `sparsity` of all their weights
  /// goes. A pattern of larger units rounds each number to the nearest unit.
  func dropCounts(
    _ layers: [ScoredLayer], sparsity: Double
  ) throws(CompressError) -> [Int]
  /// The same for a limit of cost in the place of a sparsity. Throws
  /// ``CompressError/unreachableTarget(target:least:kind:)`` where that is too low.
  func dropCounts(
    _ layers: [ScoredLayer], within budget: CostBudget
  ) throws(CompressError) -> [Int]
  /// Whether it weighs layers by what calibration data tells of their errors, where there is any.
  var usesErrorCurves: Bool { get }
}

extension Allocation {
  public var usesErrorCurves: Bool { false }
}

/// A prunable layer and its units' scores.
public struct ScoredLayer: Sendable {
  public var layer: Layer
  public var units: UnitScores
  /// The network's error by the number of weights that this layer alone loses; nil where nothing but
  /// the scores is known.
  public var errors: DropCurve?
  public init(layer: Layer, units: UnitScores, errors: DropCurve? = nil) {
    (self.layer, self.units, self.errors) = (layer, units, errors)
  }
}

/// Whole numbers from fractions.
enum Rounding {
  /// `sparsity` of `count`, half away from zero.
  static func dropCount(_ sparsity: Double, of count: Int) -> Int {
    min(count, Int((sparsity * Double(count)).rounded(.toNearestOrAwayFromZero)))
  }

  /// Whole numbers near `ideal`, each from 0 to its limit, that add up to `total` exactly: all are
  /// rounded down, and those with the largest remainders get one more, earlier ones first.
  static func apportion(_ ideal: [Double], total: Int, limits: [Int]) -> [Int] {
    var result = zip(ideal, limits).map { min($1, max(0, Int($0.rounded(.down)))) }
    let byRemainder = ideal.indices.sorted {
      let (a, b) = (ideal[$0] - Double(result[$0]), ideal[$1] - Double(result[$1]))
      return a != b ? a > b : $0 < $1
    }
    var missing = total - result.reduce(0, +)
    while missing != 0 {
      let step = missing > 0 ? 1 : -1
      var moved = false
      for i in step > 0 ? byRemainder : byRemainder.reversed() where missing != 0 {
        guard (0...limits[i]).contains(result[i] + step) else { continue }
        result[i] += step
        missing -= step
        moved = true
      }
      guard moved else { break }
    }
    return result
  }
}
