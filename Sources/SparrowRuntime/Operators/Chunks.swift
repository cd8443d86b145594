/// A range of equal items cut into tasks, each a run of neighbours.
struct Chunks {
  let count: Int
  let tasks: Int
  private let size: Int

  /// At most `tasks` runs whose lengths are multiples of `unit` (the last one excepted).
  init(_ count: Int, tasks wanted: Int, unit: Int = 1) {
    let units = count.dividedUp(by: unit)
    let unitsEach = max(1, (units + wanted - 1) / max(1, wanted))
    (self.count, size) = (count, unitsEach * unit)
    tasks = max(1, units.dividedUp(by: unitsEach))
  }

  /// The items of one task.
  @inline(__always)
  func range(_ task: Int) -> Range<Int> {
    let first = min(task * size, count)
    return first..<min(first + size, count)
  }
}
