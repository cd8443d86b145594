/// A heap that gives the least value first; of equal ones the lower index.
struct LeastFirst {
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
