import SparrowPasses

/// The exact optimal brain surgeon on a layer's squared error: weights of a row go one by one, each
/// time the one that costs least, and all others make good for it.
/// (Frantar, Singh, Alistarh, "Optimal Brain Compression", arXiv 2208.11580, algorithm 1.)
enum ExactOBS {
  /// The order in which a row's weights go, and what each step adds to the squared error.
  struct Trace: Sendable {
    var order: [Int] = []
    var losses: [Double] = []
  }

  /// Which weight may go next.
  enum Constraint: Sendable {
    case none
    /// At most this many of each group of neighbouring columns (the last may be shorter) go.
    case groups(length: Int, kept: Int, period: Int)
  }

  /// Drops up to `count` weights of a row; `inverse` is H^-1 and is used up.
  static func trace(
    _ row: [Double], inverse: Matrix, count: Int, constraint: Constraint = .none
  ) -> Trace {
    var isOpen = [Bool](repeating: true, count: row.count)
    var left = constraint.quotas(columns: row.count, closing: &isOpen)
    var remaining = RemainingWeights(row, inverse, isOpen)
    var result = Trace()
    while result.order.count < count, let next = remaining.cheapest() {
      result.order.append(next.column)
      result.losses.append(next.loss)
      remaining.eliminate(next.place)
      isOpen[next.column] = false
      constraint.use(next.column, &left, &isOpen)
      remaining.close { !isOpen[$0] }
    }
    return result
  }

  /// The mask of all rows that drops `count` weights in all, those that cost least first: each row's
  /// are taken in its own order, rows are merged by loss.
  static func mask(_ traces: [Trace], columns: Int, dropping count: Int) -> [[Bool]] {
    var mask = traces.map { _ in [Bool](repeating: true, count: columns) }
    var next = traces.map { _ in 0 }
    // A row's losses rise but for rounding; where one does not, it counts as the one before.
    var heap = LeastFirst(
      traces.indices.compactMap { i in traces[i].losses.first.map { ($0, i) } })
    for _ in 0..<count {
      guard let (loss, row) = heap.popFirst() else { break }
      mask[row][traces[row].order[next[row]]] = false
      next[row] += 1
      if next[row] < traces[row].order.count {
        heap.insert(max(loss, traces[row].losses[next[row]]), row)
      }
    }
    return mask
  }
}

extension ExactOBS.Constraint {
  /// How many of each group may still go.
  fileprivate func quotas(columns: Int, closing isOpen: inout [Bool]) -> [Int] {
    guard case .groups(let length, let kept, let period) = self else { return [] }
    var result = [Int](repeating: 0, count: columns)
    for column in 0..<columns {
      // Groups do not cross from one kernel position to the next.
      let start = column / period * period
      let end = min(start + period, columns)
      let first = start + (column - start) / length * length
      result[first] = max(0, min(length, end - first) - kept)
      if result[first] == 0 { isOpen[column] = false }
    }
    return result
  }

  /// Closes a group of which no more may go.
  fileprivate func use(_ column: Int, _ left: inout [Int], _ isOpen: inout [Bool]) {
    guard case .groups(let length, _, let period) = self else { return }
    let start = column / period * period
    let first = start + (column - start) / length * length
    left[first] -= 1
    guard left[first] == 0 else { return }
    for i in first..<min(first + length, min(start + period, isOpen.count)) { isOpen[i] = false }
  }
}
