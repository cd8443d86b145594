import SparrowTestSupport
import Testing

@testable import SparrowCompress

/// Dynamic programming over options against all combinations.
struct BudgetedChoiceTests {
  private func options(_ seed: UInt64, integral: Bool) -> [[LayerOption]] {
    var generator = SeededGenerator(seed: seed)
    return (0..<5).map { _ in
      (0..<Int.random(in: 1...5, using: &generator)).map { i in
        let cost = Double.random(in: 0...20, using: &generator)
        return LayerOption(
          dropped: i, cost: integral ? cost.rounded() : cost,
          error: Double.random(in: 0...1, using: &generator))
      }
    }
  }

  /// The least error of any combination within the limit.
  private func bruteForce(_ layers: [[LayerOption]], limit: Double) -> Double? {
    var sums = [(cost: 0.0, error: 0.0)]
    for options in layers {
      sums = sums.flatMap { sum in
        options.map { (sum.cost + $0.cost, sum.error + $0.error) }
      }
    }
    return sums.filter { $0.cost <= limit }.map { $0.error }.min()
  }

  private static let rounding = 1e-12

  @Test(arguments: 0..<40 as Range<UInt64>, [true, false])
  func equalsAllCombinations(seed: UInt64, integral: Bool) {
    let layers = options(seed, integral: integral)
    for limit in stride(from: 1.0, through: 101, by: 10) {
      let expected = bruteForce(layers, limit: limit)
      let chosen = BudgetedChoice.choose(layers, limit: limit)
      #expect((chosen == nil) == (expected == nil), "seed \(seed), limit \(limit)")
      guard let chosen, let expected else { continue }
      let picked = zip(layers, chosen).map { $0[$1] }
      #expect(picked.reduce(0) { $0 + $1.cost } <= limit + Self.rounding, "seed \(seed)")
      let error = picked.reduce(0) { $0 + $1.error }
      #expect(abs(error - expected) <= Self.rounding, "seed \(seed), limit \(limit)")
    }
  }

  /// With few bins the budget holds all the same, and the error is near the least.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func fewBinsKeepTheBudget(seed: UInt64) throws {
    let layers = options(seed, integral: false)
    let least = layers.reduce(0) { $0 + ($1.map { $0.cost }.min() ?? 0) }
    let limit = least + 15
    let chosen = try #require(BudgetedChoice.choose(layers, limit: limit, bins: 24))
    let picked = zip(layers, chosen).map { $0[$1] }
    #expect(picked.reduce(0) { $0 + $1.cost } <= limit + Self.rounding)
    let exact = try #require(bruteForce(layers, limit: limit))
    #expect(picked.reduce(0) { $0 + $1.error } <= exact + 0.3, "seed \(seed)")
  }

  @Test func errorsThatAreNoNumbersLoseAgainstAllOthers() throws {
    let layers = [
      [
        LayerOption(dropped: 0, cost: 2, error: .nan),
        LayerOption(dropped: 1, cost: 1, error: .infinity),
        LayerOption(dropped: 2, cost: 2, error: 5),
      ]
    ]
    #expect(BudgetedChoice.choose(layers, limit: 2) == [2])
    #expect(BudgetedChoice.choose(layers, limit: 1) == [1])
    #expect(BudgetedChoice.choose(layers, limit: 0) == nil)
  }

  @Test func curvesNeverTurnBack() {
    let points = [3, 1, 7, 5].map { DropCurve.Point(dropped: $0, value: Double($0 % 4)) }
    let rising = DropCurve(rising: points)
    let falling = DropCurve(falling: points)
    for dropped in 0..<10 {
      #expect(rising.value(at: dropped) <= rising.value(at: dropped + 1))
      #expect(falling.value(at: dropped) >= falling.value(at: dropped + 1))
    }
    #expect(rising.value(at: 2) == 2 && falling.value(at: 6) == 1)
  }

  @Test(arguments: [1, 2, 10, 1000, 123_457])
  func gridsKeepNineTenthsAStep(count: Int) {
    let drops = DropGrid.drops(of: count)
    #expect(drops.first == 0)
    #expect(zip(drops, drops.dropFirst()).allSatisfy { $0 < $1 })
    #expect(drops.allSatisfy { $0 < count })
  }
}
