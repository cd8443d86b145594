import CKernels
import SparrowCore

/// A weight's nonzeros, row by row, for products with one vector: the byte offset of each one's
/// element of the vector, and its value.
final class SparseRows: @unchecked Sendable {
  let starts: UnsafeMutablePointer<UInt32>
  let pairs: UnsafeMutablePointer<sp_sparse_pair>
  let nonzeros: Int
  private let regions: (Region, Region)

  /// - Parameter weights: rows x k, row-major
  init(_ weights: UnsafePointer<Float>, rows: Int, k: Int) {
    var total = 0
    for i in 0..<(rows * k) where weights[i] != 0 { total += 1 }
    nonzeros = total
    regions = (Region(count: (rows + 1) * 4), Region(count: total * 8 + 64))
    starts = regions.0.base.bindMemory(to: UInt32.self, capacity: rows + 1)
    pairs = regions.1.base.bindMemory(to: sp_sparse_pair.self, capacity: total)
    var next = 0
    for row in 0..<rows {
      starts[row] = UInt32(truncatingIfNeeded: next)
      let values = weights + row * k
      for column in 0..<k where values[column] != 0 {
        pairs[next] = sp_sparse_pair(
          offset: UInt32(truncatingIfNeeded: column * 4), value: values[column])
        next += 1
      }
    }
    starts[rows] = UInt32(truncatingIfNeeded: next)
  }
}
