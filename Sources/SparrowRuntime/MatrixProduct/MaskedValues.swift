import SparrowCore

/// The values of sparse matrices whose weight is computed under a constant mask: gathered from it in
/// each run, into the places that the kernels read.
struct MaskedValues: @unchecked Sendable {
  private let matrices: [SparseMatrix]
  /// Where each matrix's values begin, and the end.
  private let starts: LookupTable<Int>
  private let weight: Slot
  private let values: Slot
  private let tasksEach: Int

  init(_ p: inout Preparation, _ weight: Preparation.Operand, _ matrices: [SparseMatrix]) {
    self.matrices = matrices
    var starts = [0]
    // Whole cache lines, and what kernels may read ahead.
    for matrix in matrices {
      starts.append((starts.last ?? 0) + (matrix.valueCount + 31) / 16 * 16)
    }
    self.starts = LookupTable(starts)
    self.weight = p.slot(weight)
    values = p.scratch(bytes: (starts.last ?? 0) * 4)
    let most = matrices.reduce(0) { max($0, $1.valueCount) }
    tasksEach = p.tasks(work: most, limit: 16)
  }

  var tasks: Int { matrices.count * tasksEach }

  func gather(_ work: borrowing Work) {
    let (i, part) = work.task.quotientAndRemainder(dividingBy: tasksEach)
    let count = matrices[i].valueCount
    matrices[i].gather(
      count * part / tasksEach..<count * (part + 1) / tasksEach, from: work.floats(weight),
      to: work.floats(values) + starts.base[i])
  }

  @inline(__always)
  func pointer(_ matrix: Int, _ work: borrowing Work) -> UnsafePointer<Float> {
    UnsafePointer(work.floats(values) + starts.base[matrix])
  }
}

extension Tensor {
  /// A mask's bytes, one an element: 0 where nothing is kept.
  func withFlags<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
    let bytes = dense().denseBytes ?? Bytes(copying: [UInt8]())
    return bytes.withUnsafeBytes { body($0.bindMemory(to: UInt8.self)) }
  }
}
