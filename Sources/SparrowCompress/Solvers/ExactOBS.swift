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
    let d = row.count
    var (w, h) = (row, inverse.elements)
    var isOpen = [Bool](repeating: true, count: d)
    var left = constraint.quotas(columns: d, closing: &isOpen)
    var result = Trace()
    while result.order.count < count {
      var best = -1
      var least = Double.infinity
      for j in 0..<d where isOpen[j] {
        let loss = w[j] * w[j] / h[j * d + j]
        if loss < least { (best, least) = (j, loss) }
      }
      guard best >= 0 else { break }
      result.order.append(best)
      result.losses.append(least)
      eliminate(best, &w, &h, isOpen)
      isOpen[best] = false
      constraint.use(best, &left, &isOpen)
    }
    return result
  }

  /// Takes weight `j` out: w -= H^-1_j w_j / [H^-1]_jj, H^-1 -= r r^T. Rows and columns of weights
  /// that are gone are left as they are, nobody reads them.
  private static func eliminate(
    _ j: Int, _ w: inout [Double], _ h: inout [Double], _ isOpen: [Bool]
  ) {
    let d = w.count
    h.withUnsafeMutableBufferPointer { h in
      w.withUnsafeMutableBufferPointer { w in
        guard let base = h.baseAddress, let weights = w.baseAddress else { return }
        let pivot = base + j * d
        let diagonal = pivot[j]
        let ratio = weights[j] / diagonal
        for i in 0..<d { weights[i] -= ratio * pivot[i] }
        weights[j] = 0
        for i in 0..<d where isOpen[i] && i != j {
          let factor = pivot[i] / diagonal
          guard factor != 0 else { continue }
          let row = base + i * d
          for k in 0..<d { row[k] -= factor * pivot[k] }
        }
      }
    }
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

/// A heap that gives the least value first; of equal ones the lower index.
private struct LeastFirst {
  private var items: [(value: Double, index: Int)] = []

  init(_ items: [(Double, Int)]) {
    for (value, index) in items { insert(value, index) }
  }

  private func isBefore(_ a: Int, _ b: Int) -> Bool {
    (items[a].value, items[a].index) < (items[b].value, items[b].index)
  }

  mutating func insert(_ value: Double, _ index: Int) {
    items.append((value, index))
    var i = items.count - 1
    while i > 0, isBefore(i, (i - 1) / 2) {
      items.swapAt(i, (i - 1) / 2)
      i = (i - 1) / 2
    }
  }

  mutating func popFirst() -> (Double, Int)? {
    guard let first = items.first else { return nil }
    let last = items.removeLast()
    guard !items.isEmpty else { return first }
    items[0] = last
    var i = 0
    while true {
      var least = i
      for child in [2 * i + 1, 2 * i + 2] where child < items.count && isBefore(child, least) {
        least = child
      }
      guard least != i else { return first }
      items.swapAt(i, least)
      i = least
    }
  }
}
