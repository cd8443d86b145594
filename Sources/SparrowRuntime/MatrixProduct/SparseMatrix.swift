import CKernels
import SparrowCore

/// A weight's nonzeros as the streams the sparse kernels read.
///
/// The columns (the reduction) are cut into blocks so that the input of one block and output tile
/// stays in L1; offsets count cache lines from the input row of the block's first column.
///
/// In each block, the row groups of a segment stand in the order of their entry counts: a loop over
/// entries then mostly ends after as many as the loop before, which the processor predicts.
///
/// ```
/// order    [block][place]      the row group at each place
/// starts   [block][place]      its first entry, blocks one after the other
/// offsets  block 0: place 0's entries, place 1's entries, ... | block 1: ...      16 bits an entry
/// values   as offsets                                                             1 or 4 floats an entry
/// ```
final class SparseMatrix: @unchecked Sendable {
  enum Kind: Int {
    /// Single weights.
    case single
    /// Four neighbouring rows share an input.
    case block4x1
    /// Four neighbouring inputs of one row.
    case block1x4

    /// Weights of an entry.
    var values: Int { self == .single ? 1 : 4 }
    /// Rows of a row group.
    var groupRows: Int { self == .block4x1 ? 4 : 1 }
  }

  let kind: Kind
  let rows: Int
  /// Row groups: rows, or quadruples of rows.
  let groups: Int
  let tiling: SparseTiling
  /// How many weights are not zero.
  let nonzeros: Int
  /// Rows of a segment, to which tasks are aligned.
  let segmentRows: Int
  private let order: UnsafeMutablePointer<UInt32>
  private let starts: UnsafeMutablePointer<UInt32>
  private let offsets: UnsafeMutablePointer<UInt16>
  private let values: UnsafeMutablePointer<Float>
  private let orderRegion: Region
  private let startsRegion: Region
  private let offsetsRegion: Region
  private let valuesRegion: Region
  /// Floats between the input rows of an entry of four inputs.
  private let inputStride: Int

  /// - Parameters:
  ///   - weights: rows x (inputs * positions), row-major, input outermost
  ///   - tiling: the reduction's blocks (whole quadruples of inputs for 1x4), and where the input
  ///     row of each column is
  init(
    _ weights: UnsafePointer<Float>, rows: Int, inputs: Int, positions: Int, kind: Kind,
    tiling: SparseTiling
  ) {
    let k = inputs * positions
    (self.kind, self.rows, self.tiling) = (kind, rows, tiling)
    let blocks = tiling.blocks
    let groups = (rows + kind.groupRows - 1) / kind.groupRows
    self.groups = groups
    inputStride = positions * tiling.rowLines * 16
    segmentRows = max(32, min(256, (rows + 15) / 16 * 4))
    orderRegion = Region(count: max(1, blocks.count * groups) * 4)
    startsRegion = Region(count: (blocks.count * groups + 1) * 4)
    let order = orderRegion.base.bindMemory(to: UInt32.self, capacity: blocks.count * groups)
    starts = startsRegion.base.bindMemory(to: UInt32.self, capacity: blocks.count * groups + 1)

    let reader = EntryReader(
      weights: weights, rows: rows, k: k, positions: positions, kind: kind)
    var counts = [Int](repeating: 0, count: groups)
    var total = 0
    for block in 0..<blocks.count {
      let range = blocks.range(block)
      for group in 0..<groups {
        counts[group] = 0
        reader.forEach(group, range.start, range.end) { _ in counts[group] += 1 }
      }
      let segment = segmentRows / kind.groupRows
      var first = 0
      while first < groups {
        let last = min(groups, first + segment)
        let places = (first..<last).sorted { (counts[$0], $0) < (counts[$1], $1) }
        for (i, group) in places.enumerated() {
          let place = block * groups + first + i
          order[place] = UInt32(truncatingIfNeeded: group)
          starts[place] = UInt32(truncatingIfNeeded: total)
          total += counts[group]
        }
        first = last
      }
    }
    starts[blocks.count * groups] = UInt32(truncatingIfNeeded: total)
    // A little slack lets kernels prefetch past the end.
    offsetsRegion = Region(count: total * 2 + 64)
    valuesRegion = Region(count: total * kind.values * 4 + 64)
    let offsets = offsetsRegion.base.bindMemory(to: UInt16.self, capacity: total)
    let values = valuesRegion.base.bindMemory(to: Float.self, capacity: total * kind.values)
    var (next, stored) = (0, 0)
    for block in 0..<blocks.count {
      let range = blocks.range(block)
      for place in 0..<groups {
        let group = Int(order[block * groups + place])
        reader.forEach(group, range.start, range.end) { column in
          offsets[next] = UInt16(truncatingIfNeeded: (column - range.start) * tiling.rowLines)
          stored += reader.store(group, column, at: values + next * kind.values)
          next += 1
        }
      }
    }
    self.order = order
    (self.offsets, self.values, nonzeros) = (offsets, values, stored)
  }

  /// The kernel's name for profiles.
  var kernelName: String {
    switch kind {
    case .single: "f32_spmm"
    case .block4x1: "f32_spmm_4x1"
    case .block1x4: "f32_spmm_1x4"
    }
  }

  /// The product of rows `begin ..< end` (whole segments) of one block and a tile of `n` columns, without the places
  /// of its results.
  @inline(__always)
  func product(
    block: Int, begin: Int, end: Int, tile: UnsafePointer<Float>, n: Int
  ) -> sp_sparse_product {
    let step = kind.groupRows
    return sp_sparse_product(
      begin: begin / step, end: (end + step - 1) / step, rows: rows,
      order: UnsafePointer(order + block * groups),
      start: UnsafePointer(starts + block * groups), offsets: UnsafePointer(offsets),
      values: UnsafePointer(values), tile: tile, tile_stride: inputStride, n: n, sums: nil,
      sums_stride: 0, c: nil, ldc: 0, runs: nil, run_start: nil)
  }

  @inline(__always)
  func multiply(
    _ kernels: UnsafePointer<sp_kernel_table>, _ product: UnsafePointer<sp_sparse_product>,
    _ epilogue: UnsafePointer<sp_epilogue>
  ) {
    switch kind {
    case .single: kernels.pointee.f32_spmm(product, epilogue)
    case .block4x1: kernels.pointee.f32_spmm_4x1(product, epilogue)
    case .block1x4: kernels.pointee.f32_spmm_1x4(product, epilogue)
    }
  }
}

/// Walks the entries of one row group.
private struct EntryReader {
  let weights: UnsafePointer<Float>
  let rows: Int
  let k: Int
  let positions: Int
  let kind: SparseMatrix.Kind

  /// Calls `body` with the (first) column of each entry in columns `start ..< end`.
  @inline(__always)
  func forEach(_ group: Int, _ start: Int, _ end: Int, _ body: (Int) -> Void) {
    switch kind {
    case .single:
      let row = weights + group * k
      for column in start..<end where row[column] != 0 { body(column) }
    case .block4x1:
      let first = weights + group * 4 * k
      let count = min(4, rows - group * 4)
      for column in start..<end {
        var any = false
        for i in 0..<count { any = any || first[i * k + column] != 0 }
        if any { body(column) }
      }
    case .block1x4:
      let row = weights + group * k
      var input = start / positions
      while input * positions < end {
        for position in 0..<positions {
          let column = input * positions + position
          var any = false
          for j in 0..<4 { any = any || row[column + j * positions] != 0 }
          if any { body(column) }
        }
        input += 4
      }
    }
  }

  /// Stores the values of one entry; how many are not zero.
  @inline(__always)
  func store(_ group: Int, _ column: Int, at target: UnsafeMutablePointer<Float>) -> Int {
    var nonzeros = 0
    for i in 0..<kind.values {
      var value: Float = 0
      switch kind {
      case .single: value = weights[group * k + column]
      case .block4x1:
        if group * 4 + i < rows { value = weights[(group * 4 + i) * k + column] }
      case .block1x4: value = weights[group * k + column + i * positions]
      }
      target[i] = value
      if value != 0 { nonzeros += 1 }
    }
    return nonzeros
  }
}
