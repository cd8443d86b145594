import SparrowCore

/// A copy in which each output position of an axis names the input position it comes from.
///
/// Trailing axes that are taken over whole make runs; the axis before them is looked up run by run.
struct TableCopy {
  let from: Slot
  let to: Slot
  let chunks: Chunks
  /// Elements that stay together.
  private let run: Int
  /// The last axis that is looked up: its length, and its table.
  private let width: Int
  private let columns: LookupTable<Int>
  /// The axes before it, from the last to the first: length, then where its table starts.
  private let outer: LookupTable<Int>
  private let rank: Int
  private let tables: LookupTable<Int>

  /// `sources[axis][i]`: the input position of output position i.
  init(
    _ p: Preparation, input: [Int], sources: [[Int]], from: Slot, to: Slot
  ) {
    (self.from, self.to) = (from, to)
    let strides = input.rowMajorStrides
    var axes = Array(sources.indices)
    var run = 1
    while let last = axes.last, sources[last] == Array(0..<input[last]) {
      run *= input[last]
      axes.removeLast()
    }
    self.run = run
    let lookedUp = axes.popLast()
    columns = LookupTable(lookedUp.map { axis in sources[axis].map { $0 * strides[axis] } } ?? [0])
    width = columns.count
    var entries: [Int] = []
    var offsets: [Int] = []
    var rows = 1
    for axis in axes.reversed() {
      entries += [sources[axis].count, offsets.count]
      offsets += sources[axis].map { $0 * strides[axis] }
      rows *= sources[axis].count
    }
    (rank, outer, tables) = (axes.count, LookupTable(entries), LookupTable(offsets))
    let elements = rows * width * run
    chunks = Chunks(rows, tasks: p.tasks(work: elements, limit: 32))
  }

  @inline(__always)
  private func rowOffset(_ row: Int) -> Int {
    var rest = row
    var offset = 0
    for k in 0..<rank {
      let (quotient, i) = rest.quotientAndRemainder(dividingBy: outer[2 * k])
      offset += tables[outer[2 * k + 1] + i]
      rest = quotient
    }
    return offset
  }

  @inline(__always)
  func copy<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, _ work: borrowing Work) {
    let x = work.pointer(from, as: T.self)
    let y = work.pointer(to, as: T.self)
    for row in chunks.range(work.task) {
      let source = x + rowOffset(row)
      let target = y + row * width * run
      if run == 1 {
        for i in 0..<width { target[i] = source[columns[i]] }
      } else {
        for i in 0..<width { (target + i * run).update(from: source + columns[i], count: run) }
      }
    }
  }
}

extension Preparation {
  /// A step of one table copy.
  func step(_ copy: TableCopy, _ dtype: DType, kernel: String) -> Step {
    dtype.acceptWord(TableCopyVisitor(copy: copy, kernel: kernel))
  }
}

private struct TableCopyVisitor: WordVisitor {
  let copy: TableCopy
  let kernel: String

  func visit<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> Step {
    let copy = copy
    return Step(tasks: copy.chunks.tasks, kernel: kernel) { work in copy.copy(type, work) }
  }
}
