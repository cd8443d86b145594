import CKernels
import SparrowCore

/// Up to three operands broadcast to one dense output, cut into runs along which each operand
/// either stands still or advances by one element.
struct ElementwiseLoop {
  /// A stretch of the output and where the operands are, in elements.
  struct Run {
    var count: Int
    var y: Int
    var a: Int
    var b: Int
    var c: Int
  }

  /// By how much each operand advances along a run: 0 or 1.
  let (stepA, stepB, stepC): (Int, Int, Int)
  let chunks: Chunks
  private let length: Int
  /// Long runs are cut so that a second pass over one finds it in the first-level cache.
  private let piece: Int
  private let pieces: Int
  private let nest: LoopNest

  init(_ p: Preparation, output: [Int], operands: [[Int]], weight: Int = 1) {
    let strides = operands.map { $0.broadcastStrides(to: output) }
    var axes = StridedAxes(counts: output, strides: strides).collapsed()
    let inner = axes.remove(axis: axes.counts.indices.last)
    let steps = inner.strides + [0, 0, 0]
    (stepA, stepB, stepC) = (steps[0], steps[1], steps[2])
    length = inner.count
    piece = min(max(length, 1), 2048)
    pieces = length.dividedUp(by: piece)
    nest = LoopNest(axes)
    let units = nest.count * pieces
    chunks = Chunks(units, tasks: p.tasks(work: output.elementCount * weight, limit: 64))
  }

  /// Shows `body` every run of one task.
  @inline(__always)
  func forEachRun(_ task: Int, _ body: (Run) -> Void) {
    for unit in chunks.range(task) {
      let (run, part) = unit.quotientAndRemainder(dividingBy: pieces)
      let first = part * piece
      let offsets = nest.offsets(run)
      body(
        Run(
          count: min(piece, length - first), y: run * length + first,
          a: offsets.a + first * stepA, b: offsets.b + first * stepB,
          c: offsets.c + first * stepC))
    }
  }
}

extension Preparation {
  /// The first of `candidates` whose memory output 0 may take over: an input of the output's shape
  /// and element size.
  func inPlaceInput(_ candidates: [Int]) -> Int? {
    candidates.first { i in
      guard let input = optional(i) else { return false }
      return input.shape == outputs[0].shape && input.dtype.size == outputs[0].dtype.size
    }
  }

  /// ` avx512` and the like, for kernel names.
  var isaName: String { String(cString: sp_isa_name(kernels.pointee.isa)) }
}
