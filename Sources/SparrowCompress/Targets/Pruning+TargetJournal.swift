import SparrowCore

/// What an interrupted run found its target to come to: measured again, it would not be quite the same.
extension Pruning {
  /// Names an entry of the journal that is no layer's.
  private var journalName: String { "target \(goal.kind.rawValue) \(goal.text)" }

  /// What was found, and what it came to.
  func recordedTarget() -> (found: [Double], outcome: TargetOutcome)? {
    guard let entry = calibration?.journal?.entry(for: journalName),
      let found = entry["found"]?.doubles, let numbers = entry["outcome"]?.doubles,
      numbers.count >= 3
    else { return nil }
    return (
      found,
      TargetOutcome(
        kind: goal.kind.rawValue, asked: numbers[0], before: numbers[1], predicted: numbers[2],
        measured: numbers.count > 3 ? numbers[3] : nil)
    )
  }

  func recordTarget(_ found: [Double], _ outcome: TargetOutcome) throws(CompressError) {
    let numbers =
      [outcome.asked, outcome.before, outcome.predicted] + [outcome.measured].compactMap { $0 }
    try calibration?.journal?.record(
      ["found": Tensor(found), "outcome": Tensor(numbers)], for: journalName)
  }
}
