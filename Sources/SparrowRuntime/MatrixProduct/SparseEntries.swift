import SparrowCore

/// Walks the entries of a matrix's row groups, block of columns by block.
struct SparseEntries {
  let nonzeros: WeightNonzeros
  let kind: SparseMatrix.Kind
  let positions: Int
  /// The next value of each row: blocks are stored in order, the rows of one in any order.
  private let cursorRegion: Region
  private let cursors: UnsafeMutablePointer<Int>

  init(_ nonzeros: WeightNonzeros, kind: SparseMatrix.Kind, positions: Int) {
    (self.nonzeros, self.kind, self.positions) = (nonzeros, kind, positions)
    let rows = nonzeros.rows
    cursorRegion = Region(count: max(1, rows) * MemoryLayout<Int>.size)
    cursors = cursorRegion.base.bindMemory(to: Int.self, capacity: rows)
    for row in 0..<rows { cursors[row] = nonzeros.start(row) }
  }

  /// How many entries a group has in columns `start ..< end`.
  @inline(__always)
  func count(_ group: Int, _ start: Int, _ end: Int) -> Int {
    if kind == .single { return nonzeros.count(group, start, end) }
    if kind == .block1x4, positions == 1 { return countQuadruples(group, start, end) }
    var total = 0
    forEachChunk(group, start, end) { _, any, _ in total &+= any.nonzeroBitCount }
    return total
  }

  /// As ``count(_:_:_:)`` for quadruples of neighbouring columns, many at a time.
  private func countQuadruples(_ row: Int, _ start: Int, _ end: Int) -> Int {
    var (total, column) = (0, start)
    while column < end {
      let length = min(WeightNonzeros.chunk, end &- column)
      let bits = nonzeros.bits(row, column, length)
      let any = bits | bits >> 1 | bits >> 2 | bits >> 3
      total &+= (any & 0x1111_1111_1111_1111).nonzeroBitCount
      column &+= length
    }
    return total
  }

  /// Stores a group's entries of columns `start ..< end`: offsets in steps of `step` a column.
  @inline(__always)
  func store(
    _ group: Int, _ start: Int, _ end: Int, step: Int,
    offsets: UnsafeMutablePointer<UInt16>, values: UnsafeMutablePointer<Float>
  ) {
    var next = 0
    if kind == .single {
      var column = start
      while column < end {
        let length = min(WeightNonzeros.chunk, end &- column)
        var bits = nonzeros.bits(group, column, length)
        while bits != 0 {
          offsets[next] = UInt16(
            truncatingIfNeeded: (column &- start &+ bits.trailingZeroBitCount) &* step)
          bits &= bits &- 1
          next &+= 1
        }
        column &+= length
      }
      nonzeros.copyValues(cursors[group], next, to: values)
      cursors[group] &+= next
      return
    }
    forEachChunk(group, start, end) { column, any, parts in
      var rest = any
      while rest != 0 {
        let place = UInt64(rest.trailingZeroBitCount)
        offsets[next] = UInt16(
          truncatingIfNeeded: (column &- start &+ Int(place)) &* step)
        store(group, parts, place, to: values + next &* 4)
        rest &= rest &- 1
        next &+= 1
      }
      advance(group, parts)
    }
  }

  private typealias Parts = (UInt64, UInt64, UInt64, UInt64)

  /// Chunks of columns that are the places of entries: their first column, where entries are, and
  /// which of an entry's four weights are not zero.
  @inline(__always)
  private func forEachChunk(
    _ group: Int, _ start: Int, _ end: Int, _ body: (Int, UInt64, Parts) -> Void
  ) {
    var column = start
    while column < end {
      let parts: Parts
      let length: Int
      if kind == .block4x1 {
        length = min(WeightNonzeros.chunk, end &- column)
        let row = group &* 4
        let rows = nonzeros.rows &- row
        parts = (
          nonzeros.bits(row, column, length),
          rows > 1 ? nonzeros.bits(row &+ 1, column, length) : 0,
          rows > 2 ? nonzeros.bits(row &+ 2, column, length) : 0,
          rows > 3 ? nonzeros.bits(row &+ 3, column, length) : 0
        )
      } else {
        length = 4 &* positions
        parts = (
          nonzeros.bits(group, column, positions),
          nonzeros.bits(group, column &+ positions, positions),
          nonzeros.bits(group, column &+ 2 &* positions, positions),
          nonzeros.bits(group, column &+ 3 &* positions, positions)
        )
      }
      body(column, parts.0 | parts.1 | parts.2 | parts.3, parts)
      column &+= length
    }
  }

  /// The four weights of the entry at `place` of a chunk.
  @inline(__always)
  private func store(
    _ group: Int, _ parts: Parts, _ place: UInt64, to target: UnsafeMutablePointer<Float>
  ) {
    let below = (1 << place) &- 1 as UInt64
    func value(_ part: UInt64, _ first: Int) -> Float {
      part >> place & 1 == 0 ? 0 : nonzeros.value(first &+ (part & below).nonzeroBitCount)
    }
    let first = firstValues(group, parts)
    target[0] = value(parts.0, first.0)
    target[1] = value(parts.1, first.1)
    target[2] = value(parts.2, first.2)
    target[3] = value(parts.3, first.3)
  }

  /// Where the values of a chunk's four parts begin.
  @inline(__always)
  private func firstValues(_ group: Int, _ parts: Parts) -> (Int, Int, Int, Int) {
    if kind == .block4x1 {
      let row = cursors + group &* 4
      let rows = nonzeros.rows &- group &* 4
      return (row[0], rows > 1 ? row[1] : 0, rows > 2 ? row[2] : 0, rows > 3 ? row[3] : 0)
    }
    let second = cursors[group] &+ parts.0.nonzeroBitCount
    let third = second &+ parts.1.nonzeroBitCount
    return (cursors[group], second, third, third &+ parts.2.nonzeroBitCount)
  }

  @inline(__always)
  private func advance(_ group: Int, _ parts: Parts) {
    let counts = (
      parts.0.nonzeroBitCount, parts.1.nonzeroBitCount, parts.2.nonzeroBitCount,
      parts.3.nonzeroBitCount
    )
    guard kind == .block4x1 else {
      cursors[group] &+= counts.0 &+ counts.1 &+ counts.2 &+ counts.3
      return
    }
    let row = cursors + group &* 4
    let rows = nonzeros.rows &- group &* 4
    row[0] &+= counts.0
    if rows > 1 { row[1] &+= counts.1 }
    if rows > 2 { row[2] &+= counts.2 }
    if rows > 3 { row[3] &+= counts.3 }
  }
}
