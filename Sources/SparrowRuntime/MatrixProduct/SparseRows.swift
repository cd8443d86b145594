import CKernels
import SparrowCore

/// A weight's nonzeros for products with one vector: the columns are cut into blocks, as equal as can
/// be, whose part of the vector stays in L1.
///
/// ```
/// starts   [blocks * rows + 1]   block by block, where each row's entries begin
/// columns  [nonzeros]            16 bits, counted from the block's first
/// values   [nonzeros]
/// ```
final class SparseRows: @unchecked Sendable {
  let starts: UnsafeMutablePointer<UInt32>
  let columns: UnsafeMutablePointer<UInt16>
  let values: UnsafeMutablePointer<Float>
  let rows: Int
  let blocks: Int
  /// Columns of every block but the last, which may have fewer.
  let blockLength: Int
  let nonzeros: Int
  private let regions: (Region, Region, Region)

  private static var longestBlock: Int { 8192 }

  /// Memory the rows take.
  var byteCount: Int { regions.0.count + regions.1.count + regions.2.count }

  init(_ weights: WeightNonzeros) {
    (rows, nonzeros) = (weights.rows, weights.count)
    blocks = max(1, weights.columns.dividedUp(by: SparseRows.longestBlock))
    blockLength = weights.columns.dividedUp(by: blocks)
    let (columnCount, startCount) = (nonzeros + Int(SP_SPMV_SLACK), blocks * rows + 1)
    regions = (
      Region(count: startCount * 4), Region(count: columnCount * 2), Region(count: nonzeros * 4)
    )
    starts = regions.0.base.bindMemory(to: UInt32.self, capacity: startCount)
    columns = regions.1.base.bindMemory(to: UInt16.self, capacity: columnCount)
    values = regions.2.base.bindMemory(to: Float.self, capacity: nonzeros)
    var entry = 0
    for block in 0..<blocks {
      let start = block * blockLength
      let end = min(weights.columns, start + blockLength)
      for row in 0..<rows {
        starts[block * rows + row] = UInt32(truncatingIfNeeded: entry)
        let before = weights.start(row) + weights.count(row, 0, start)
        let next = copyColumns(weights, row, start, end, to: entry)
        weights.copyValues(before, next - entry, to: values + entry)
        entry = next
      }
    }
    starts[blocks * rows] = UInt32(truncatingIfNeeded: entry)
    (columns + entry).update(repeating: 0, count: Int(SP_SPMV_SLACK))
  }

  /// Returns the entry after the last.
  private func copyColumns(
    _ weights: WeightNonzeros, _ row: Int, _ start: Int, _ end: Int, to first: Int
  ) -> Int {
    var entry = first
    var column = start
    while column < end {
      let length = min(WeightNonzeros.chunk, end - column)
      var bits = weights.bits(row, column, length)
      while bits != 0 {
        columns[entry] = UInt16(
          truncatingIfNeeded: column - start + bits.trailingZeroBitCount)
        bits &= bits - 1
        entry += 1
      }
      column += length
    }
    return entry
  }

  /// The first row of each of `tasks` runs of rows with about as many nonzeros, and the end.
  func split(into tasks: Int) -> [Int] {
    var result = [0]
    var total = 0
    for row in 0..<rows {
      if total >= (nonzeros * result.count + tasks - 1) / tasks, result.count < tasks {
        result.append(row)
      }
      for block in 0..<blocks {
        total += Int(starts[block * rows + row + 1] - starts[block * rows + row])
      }
    }
    return result + [rows]
  }
}
