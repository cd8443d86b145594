import CKernels
import SparrowCore

/// A copy between two strided arrays of one shape, cut into units of a few thousand elements.
///
/// The last axis makes runs. A second axis is walked inside each unit, so that finding a unit's
/// place costs little: the one before the last, or, where the source does not run along the last
/// axis, the one that it does run along, which makes the unit a transposed matrix.
struct StridedCopy {
  let from: Slot
  let to: Slot
  /// Where the first element is, in elements.
  let fromStart: Int
  let toStart: Int
  let units: Int
  private let run: Axis
  private let rows: Axis
  private let isTransposed: Bool
  private let runPiece: Int
  private let rowPiece: Int
  private let runPieces: Int
  private let rowPieces: Int
  private let nest: LoopNest

  private struct Axis {
    var count: Int
    var from: Int
    var to: Int
    init(_ parts: (count: Int, strides: [Int])) {
      (count, from, to) = (parts.count, parts.strides[0], parts.strides[1])
    }
  }

  init(
    counts: [Int], from: (slot: Slot, start: Int, strides: [Int]),
    to: (slot: Slot, start: Int, strides: [Int])
  ) {
    (self.from, self.to) = (from.slot, to.slot)
    (fromStart, toStart) = (from.start, to.start)
    var axes = StridedAxes(counts: counts, strides: [from.strides, to.strides]).collapsed()
    run = Axis(axes.remove(axis: axes.counts.indices.last))
    let crossing = run.from == 1 ? nil : axes.strides[0].lastIndex(of: 1)
    rows = Axis(axes.remove(axis: crossing ?? axes.counts.indices.last))
    isTransposed = crossing != nil && run.to == 1
    nest = LoopNest(axes)
    runPiece = min(max(run.count, 1), isTransposed ? 256 : 16_384)
    rowPiece = isTransposed ? min(max(rows.count, 1), 64) : max(1, min(rows.count, 8192 / runPiece))
    runPieces = run.count.dividedUp(by: runPiece)
    rowPieces = rows.count.dividedUp(by: rowPiece)
    units = nest.count * runPieces * rowPieces
  }

  /// Copies one unit. `T` is a word of the elements' size.
  @inline(__always)
  func copy<T: FixedWidthInteger & BitwiseCopyable>(
    _ unit: Int, _ type: T.Type, _ work: borrowing Work, _ table: UnsafePointer<sp_kernel_table>
  ) {
    let (rest, runPart) = unit.quotientAndRemainder(dividingBy: runPieces)
    let (index, rowPart) = rest.quotientAndRemainder(dividingBy: rowPieces)
    let offsets = nest.offsets(index)
    let (firstRow, first) = (rowPart * rowPiece, runPart * runPiece)
    let height = min(rowPiece, rows.count - firstRow)
    let width = min(runPiece, run.count - first)
    var x = work.pointer(from, as: T.self) + fromStart + offsets.a
    x += firstRow * rows.from + first * run.from
    var y = work.pointer(to, as: T.self) + toStart + offsets.b
    y += firstRow * rows.to + first * run.to
    if isTransposed, MemoryLayout<T>.size == MemoryLayout<Float>.size {
      // y[row, i] = x[i, row]; the kernel moves bits, whatever they mean.
      table.pointee.f32_transpose(
        width, height, UnsafeRawPointer(x).assumingMemoryBound(to: Float.self), run.from,
        UnsafeMutableRawPointer(y).assumingMemoryBound(to: Float.self), rows.to)
      return
    }
    for _ in 0..<height {
      copyRun(width, x, y)
      x += rows.from
      y += rows.to
    }
  }

  @inline(__always)
  private func copyRun<T: BitwiseCopyable>(
    _ n: Int, _ x: UnsafeMutablePointer<T>, _ y: UnsafeMutablePointer<T>
  ) {
    if run.from == 1, run.to == 1 {
      y.update(from: x, count: n)
    } else if run.from == 0, run.to == 1 {
      y.update(repeating: x.pointee, count: n)
    } else {
      for i in 0..<n { y[i * run.to] = x[i * run.from] }
    }
  }
}

extension Preparation {
  /// A step that makes every one of `copies`, all of elements of one type.
  func step(_ copies: [StridedCopy], _ dtype: DType, kernel: String) -> Step {
    dtype.acceptWord(CopyVisitor(copies: copies, p: self, size: dtype.size, kernel: kernel))
  }
}

private struct CopyVisitor: WordVisitor {
  let copies: [StridedCopy]
  let p: Preparation
  let size: Int
  let kernel: String

  func visit<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> Step {
    var firstUnits = [0]
    for copy in copies { firstUnits.append(firstUnits.reduce(0, max) + copy.units) }
    let first = LookupTable(firstUnits)
    let units = firstUnits.reduce(0, max)
    // A unit is at most some 16 Ki elements.
    let elements = p.outputs.reduce(0) { $0 + $1.count }
    let chunks = Chunks(units, tasks: p.tasks(work: elements * size / 4, limit: 32))
    let (copies, table) = (copies, p.kernels)
    return Step(tasks: chunks.tasks, kernel: kernel) { work in
      var range = chunks.range(work.task)
      for i in 0..<first.count - 1 {
        guard range.lowerBound < first[i + 1] else { continue }
        let end = min(range.upperBound, first[i + 1])
        for unit in range.lowerBound..<end { copies[i].copy(unit - first[i], type, work, table) }
        guard end < range.upperBound else { break }
        range = end..<range.upperBound
      }
    }
  }
}
