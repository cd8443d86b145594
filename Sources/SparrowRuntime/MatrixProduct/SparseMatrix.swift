import CKernels
import SparrowCore

/// A weight's nonzeros as the streams the sparse kernels read.
///
/// The columns (the reduction) are cut into blocks so that the input of one block and output tile
/// stays in the nearest caches; entry offsets count from the block's first column.
///
/// ```
/// starts   [block][row group]      the group's first entry, blocks one after the other
/// entries  block 0: row 0 entries, row 1 entries, ... | block 1: ...
/// ```
final class SparseMatrix: @unchecked Sendable {
  enum Kind {
    /// Single weights: (offset, value).
    case pairs
    /// Four neighbouring rows share an input: (offset, 4 values).
    case quads4x1
    /// Four neighbouring inputs of one row: (offset, 4 values).
    case quads1x4
  }

  /// Floats in a row of the input tile: the 5 AVX-512 vectors that one pass of the kernel sums.
  static var tileWidth: Int { 80 }
  /// `count` columns cut into tiles of whole vectors, as equal as can be: the columns of a tile.
  static func tileColumns(_ count: Int) -> Int {
    let vectors = (count + 15) / 16
    let tiles = max(1, (vectors + tileWidth / 16 - 1) / (tileWidth / 16))
    return max(1, (vectors + tiles - 1) / tiles) * 16
  }

  let kind: Kind
  let rows: Int
  let blocks: ReductionBlocks
  /// Row groups: rows, or quadruples of rows.
  let groups: Int
  let starts: UnsafeMutablePointer<UInt32>
  let entries: UnsafeMutableRawPointer
  let nonzeros: Int
  /// Where the input of each column is.
  let input: InputRows
  private let startsRegion: Region
  private let entriesRegion: Region

  /// - Parameters:
  ///   - weights: rows x (inputs * positions), row-major, input outermost
  ///   - input: where the input row of each column is
  ///   - blocks: the reduction's blocks; whole quadruples of inputs for 1x4
  init(
    _ weights: UnsafePointer<Float>, rows: Int, inputs: Int, positions: Int, kind: Kind,
    input: InputRows, blocks: ReductionBlocks
  ) {
    let k = inputs * positions
    (self.kind, self.rows, self.input) = (kind, rows, input)
    let groups = kind == .quads4x1 ? (rows + 3) / 4 : rows
    (self.blocks, self.groups) = (blocks, groups)
    startsRegion = Region(count: (blocks.count * groups + 1) * 4)
    starts = startsRegion.base.bindMemory(to: UInt32.self, capacity: blocks.count * groups + 1)

    let reader = EntryReader(
      weights: weights, rows: rows, k: k, positions: positions, kind: kind)
    var total: UInt32 = 0
    for block in 0..<blocks.count {
      let range = blocks.range(block)
      for group in 0..<groups {
        starts[block * groups + group] = total
        reader.forEach(group, range.start, range.end) { _ in total &+= 1 }
      }
    }
    starts[blocks.count * groups] = total
    let size = kind == .pairs ? 8 : 20
    // A little slack lets kernels prefetch past the end.
    entriesRegion = Region(count: Int(total) * size + 64)
    entries = entriesRegion.base
    var next = entries
    var stored = 0
    for block in 0..<blocks.count {
      let range = blocks.range(block)
      let first = input.offset(range.start)
      for group in 0..<groups {
        reader.forEach(group, range.start, range.end) { column in
          let offset = UInt32(truncatingIfNeeded: (input.offset(column) - first) * 4)
          next.storeBytes(of: offset, as: UInt32.self)
          stored += reader.store(group, column, at: next + 4)
          next += size
        }
      }
    }
    nonzeros = stored
  }

  var pairs: UnsafePointer<sp_sparse_pair> {
    UnsafePointer(entries.assumingMemoryBound(to: sp_sparse_pair.self))
  }

  var quads: UnsafePointer<sp_sparse_quad> {
    UnsafePointer(entries.assumingMemoryBound(to: sp_sparse_quad.self))
  }

  /// The kernel's name for profiles.
  var kernelName: String {
    switch kind {
    case .pairs: "f32_spmm"
    case .quads4x1: "f32_spmm_4x1"
    case .quads1x4: "f32_spmm_1x4"
    }
  }

  /// Rows to which tasks are aligned.
  var rowGranularity: Int { kind == .quads4x1 ? 4 : 1 }

  /// Multiplies rows `begin ..< end` by one block's input tile.
  @inline(__always)
  func multiply(
    _ kernels: UnsafePointer<sp_kernel_table>, block: Int, begin: Int, end: Int,
    tile: UnsafePointer<Float>, n: Int, c: UnsafeMutablePointer<Float>, stride: Int,
    epilogue: UnsafePointer<sp_epilogue>
  ) {
    let starts = UnsafePointer(starts + block * groups)
    switch kind {
    case .pairs:
      kernels.pointee.f32_spmm(begin, end, starts, pairs, tile, n, c, stride, epilogue)
    case .quads4x1:
      kernels.pointee.f32_spmm_4x1(
        begin / 4, (end + 3) / 4, rows, starts, quads, tile, n, c, stride, epilogue)
    case .quads1x4:
      kernels.pointee.f32_spmm_1x4(
        begin, end, starts, quads, tile, input.channel, n, c, stride, epilogue)
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
    case .pairs:
      let row = weights + group * k
      for column in start..<end where row[column] != 0 { body(column) }
    case .quads4x1:
      let first = weights + group * 4 * k
      let count = min(4, rows - group * 4)
      for column in start..<end {
        var any = false
        for i in 0..<count { any = any || first[i * k + column] != 0 }
        if any { body(column) }
      }
    case .quads1x4:
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
  func store(_ group: Int, _ column: Int, at target: UnsafeMutableRawPointer) -> Int {
    var nonzeros = 0
    let count = kind == .pairs ? 1 : 4
    for i in 0..<count {
      var value: Float = 0
      switch kind {
      case .pairs: value = weights[group * k + column]
      case .quads4x1:
        if group * 4 + i < rows { value = weights[(group * 4 + i) * k + column] }
      case .quads1x4: value = weights[group * k + column + i * positions]
      }
      target.storeBytes(of: value, toByteOffset: i * 4, as: Float.self)
      if value != 0 { nonzeros += 1 }
    }
    return nonzeros
  }
}
