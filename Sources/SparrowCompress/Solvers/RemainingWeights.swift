/// What is left of a row's problem: the weights that may still go, and the part of H^-1 that is theirs.
///
/// Weights that are gone stay in their places until a quarter of them are; then the rest moves together,
/// so that the work shrinks with the row and soon fits a cache. Of H^-1 the lower triangle is kept.
struct RemainingWeights {
  private var columns: [Int]
  private var w: [Double]
  private var h: [Double]
  private var isOpen: [Bool]
  private var openCount: Int

  init(_ row: [Double], _ inverse: Matrix, _ isOpen: [Bool]) {
    (columns, w, h) = (Array(row.indices), row, inverse.elements)
    self.isOpen = isOpen
    openCount = isOpen.reduce(0) { $0 + ($1 ? 1 : 0) }
    compact()
  }

  /// The weight that costs least, w^2 / [H^-1]_jj; of equal ones the first. nil when none may go.
  func cheapest() -> (place: Int, column: Int, loss: Double)? {
    var best = -1
    var least = Double.infinity
    let m = w.count
    h.withUnsafeBufferPointer { h in
      for j in 0..<m where isOpen[j] {
        let loss = w[j] * w[j] / h[j * m + j]
        if loss < least { (best, least) = (j, loss) }
      }
    }
    return best < 0 ? nil : (best, columns[best], least)
  }

  /// Takes weight `j` out: w -= H^-1_j w_j / [H^-1]_jj, H^-1 -= r r^T with
  /// r = H^-1_j / sqrt([H^-1]_jj).
  mutating func eliminate(_ j: Int) {
    let m = w.count
    h.withUnsafeMutableBufferPointer { h in
      w.withUnsafeMutableBufferPointer { w in
        guard let base = h.baseAddress, let weights = w.baseAddress else { return }
        let pivot = [Double](unsafeUninitializedCapacity: m) { pivot, count in
          for k in 0..<j { pivot[k] = base[j * m + k] }
          for k in j..<m { pivot[k] = base[k * m + j] }
          count = m
        }
        pivot.withUnsafeBufferPointer { pivot in
          guard let p = pivot.baseAddress else { return }
          let ratio = weights[j] / p[j]
          for i in 0..<m { weights[i] -= ratio * p[i] }
          for i in 0..<m where isOpen[i] && i != j {
            let factor = p[i] / p[j]
            let row = base + i * m
            for k in 0...i { row[k] -= factor * p[k] }
          }
        }
      }
    }
  }

  /// Closes the weights whose columns `isClosed`.
  mutating func close(_ isClosed: (Int) -> Bool) {
    for j in w.indices where isOpen[j] && isClosed(columns[j]) {
      isOpen[j] = false
      openCount -= 1
    }
    if 4 * openCount < 3 * w.count { compact() }
  }

  private mutating func compact() {
    let kept = w.indices.filter { isOpen[$0] }
    guard kept.count < w.count else { return }
    let (m, n) = (w.count, kept.count)
    var smaller = [Double](repeating: 0, count: n * n)
    for (a, i) in kept.enumerated() {
      for (b, k) in kept.prefix(a + 1).enumerated() { smaller[a * n + b] = h[i * m + k] }
    }
    columns = kept.map { columns[$0] }
    w = kept.map { w[$0] }
    (h, isOpen) = (smaller, [Bool](repeating: true, count: n))
  }
}
