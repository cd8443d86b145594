import CKernels
import SparrowCore

/// A weight's nonzeros, row by row, for products with one vector: the byte offset of each one's
/// element of the vector, and its value.
final class SparseRows: @unchecked Sendable {
  let starts: UnsafeMutablePointer<UInt32>
  let pairs: UnsafeMutablePointer<sp_sparse_pair>
  let nonzeros: Int
  private let regions: (Region, Region)

  /// Memory the rows take.
  var byteCount: Int { regions.0.count + regions.1.count }

  init(_ weights: WeightNonzeros) {
    let rows = weights.rows
    nonzeros = weights.count
    regions = (Region(count: (rows + 1) * 4), Region(count: nonzeros * 8 + 64))
    starts = regions.0.base.bindMemory(to: UInt32.self, capacity: rows + 1)
    pairs = regions.1.base.bindMemory(to: sp_sparse_pair.self, capacity: nonzeros)
    var next = 0
    for row in 0..<rows {
      starts[row] = UInt32(truncatingIfNeeded: next)
      var column = 0
      while column < weights.columns {
        let length = min(WeightNonzeros.chunk, weights.columns - column)
        var bits = weights.bits(row, column, length)
        while bits != 0 {
          pairs[next] = sp_sparse_pair(
            offset: UInt32(truncatingIfNeeded: (column + bits.trailingZeroBitCount) * 4),
            value: weights.value(next))
          bits &= bits - 1
          next += 1
        }
        column += length
      }
    }
    starts[rows] = UInt32(truncatingIfNeeded: next)
  }
}
