import SparrowCore

extension Gather {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (data, indices) = (try p.input(0), try p.input(1))
    let axis = self.axis < 0 ? self.axis + data.shape.count : self.axis
    let lookup = try IndexReader(p, indices)
    let index = p.slot(indices)
    let rows = indices.count
    let outer = data.shape[..<axis].reduce(1, *)
    let chunks = Chunks(outer * rows, tasks: p.tasks(work: p.outputs[0].count, limit: 32))
    let visitor = RowGather(
      from: p.slot(data), to: p.slot(p.outputs[0]),
      row: data.shape[(axis + 1)...].reduce(1, *), chunks: chunks)
    let (length, size) = (data.shape[axis], data.dtype.size)
    return data.dtype.acceptWord(
      visitor.finding { unit, work in
        let (block, i) = unit.quotientAndRemainder(dividingBy: rows)
        guard let position = lookup.position(i, in: length, work.raw(index)) else { return nil }
        return block * length + position
      }.named("gather \(size * 8)"))
  }
}

extension GatherND {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (data, indices) = (try p.input(0), try p.input(1))
    guard let depth = indices.shape.last, batchDimensions + depth <= data.shape.count else {
      throw p.unsupported("its indices are a scalar or too long for data")
    }
    let lookup = try IndexReader(p, indices)
    let index = p.slot(indices)
    let lengths = LookupTable(Array(data.shape[batchDimensions..<batchDimensions + depth]))
    let block = data.shape[batchDimensions..<batchDimensions + depth].reduce(1, *)
    let batches = data.shape[..<batchDimensions].reduce(1, *)
    let tuples = indices.shape.dropLast().reduce(1, *)
    let tuplesEach = max(1, tuples / max(1, batches))
    let chunks = Chunks(tuples, tasks: p.tasks(work: p.outputs[0].count, limit: 32))
    let visitor = RowGather(
      from: p.slot(data), to: p.slot(p.outputs[0]),
      row: data.shape[(batchDimensions + depth)...].reduce(1, *), chunks: chunks)
    return data.dtype.acceptWord(
      visitor.finding { tuple, work in
        var row = 0
        for k in 0..<depth {
          let length = lengths[k]
          guard let position = lookup.position(tuple * depth + k, in: length, work.raw(index))
          else { return nil }
          row = row * length + position
        }
        return tuple / tuplesEach * block + row
      }.named("gather_nd"))
  }
}

/// Reads int32 or int64 indices.
struct IndexReader {
  private let isWide: Bool

  init(_ p: Preparation, _ indices: Preparation.Operand) throws(RuntimeError) {
    switch indices.dtype {
    case .int64: isWide = true
    case .int32: isWide = false
    default:
      throw p.unsupported("its indices are \(indices.dtype.name), expected i32 or i64")
    }
  }

  /// Index `i` counted from the front of an axis of `length`; nil when it lies outside.
  @inline(__always)
  func position(_ i: Int, in length: Int, _ indices: UnsafeMutableRawPointer) -> Int? {
    let given =
      isWide
      ? Int(clamping: indices.assumingMemoryBound(to: Int64.self)[i])
      : Int(indices.assumingMemoryBound(to: Int32.self)[i])
    let position = given < 0 ? given + length : given
    return position >= 0 && position < length ? position : nil
  }
}

/// Output row `unit` is a row of the data that is found when the step runs.
private struct RowGather: WordVisitor {
  typealias Finder = (Int, borrowing Work) -> Int?

  let from: Slot
  let to: Slot
  /// Elements.
  let row: Int
  let chunks: Chunks
  var find: Finder = { _, _ in nil }
  var kernel = "gather"

  func finding(_ find: @escaping Finder) -> RowGather {
    var copy = self
    copy.find = find
    return copy
  }

  func named(_ kernel: String) -> RowGather {
    var copy = self
    copy.kernel = kernel
    return copy
  }

  func visit<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> Step {
    let (from, to, row, chunks, find) = (from, to, row, chunks, find)
    return Step(tasks: chunks.tasks, kernel: kernel) { work in
      let (x, y) = (work.pointer(from, as: T.self), work.pointer(to, as: T.self))
      for unit in chunks.range(work.task) {
        let target = y + unit * row
        guard let source = find(unit, work) else {
          work.fail(.indexOutOfRange)
          target.update(repeating: 0, count: row)
          continue
        }
        if row == 1 {
          target.pointee = x[source]
        } else {
          target.update(from: x + source * row, count: row)
        }
      }
    }
  }
}
