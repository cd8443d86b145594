import CKernels
import CPlatform
import SparrowCore

extension Reduce {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let x = try p.input(0)
    var reduced = Array(x.shape.indices)
    if let operand = p.optional(1) {
      guard let constant = operand.constant, let given = constant.integers else {
        throw p.unsupported("its axes are not constant")
      }
      if !given.isEmpty || noopWithEmptyAxes {
        reduced = given.map { $0 < 0 ? $0 + x.shape.count : $0 }
      }
    } else if noopWithEmptyAxes {
      reduced = []
    }
    if x.dtype == .bool, kind != .max, kind != .min { return p.referenceStep(.reduce(self)) }
    let plan = Reduction(p, kind: kind, shape: x.shape, reduced: Set(reduced))
    return try plan.step(&p, x)
  }
}

extension GlobalPool {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let x = try p.input(0)
    let reduced = Set(x.shape.indices.dropFirst(2))
    let plan = Reduction(p, kind: kind == .max ? .max : .mean, shape: x.shape, reduced: reduced)
    return try plan.step(&p, x)
  }
}

/// A reduction over any axes: each output is made of runs of the input.
///
/// Where the last axis is reduced, a run becomes one number; where it is kept, whole runs are
/// combined element by element into a run of the output.
struct Reduction {
  let kind: Reduce.Kind
  /// The number of inputs of each output.
  let depth: Int
  let reducesRuns: Bool
  /// The length of a run.
  let length: Int
  /// Outputs (or runs of them), and the runs that each takes.
  let kept: LoopNest
  let taken: LoopNest
  let chunks: Chunks
  /// Runs of outputs are cut into pieces of this many elements.
  let piece: Int
  let pieces: Int

  init(_ p: Preparation, kind: Reduce.Kind, shape: [Int], reduced: Set<Int>) {
    self.kind = kind
    let strides = shape.rowMajorStrides
    let inner = shape.indices.last { shape[$0] != 1 }
    reducesRuns = inner.map { reduced.contains($0) } ?? true
    func axes(_ isReduced: Bool) -> StridedAxes {
      let own = shape.indices.filter { reduced.contains($0) == isReduced }
      return StridedAxes(counts: own.map { shape[$0] }, strides: [own.map { strides[$0] }])
        .collapsed()
    }
    var (keptAxes, takenAxes) = (axes(false), axes(true))
    depth = takenAxes.counts.elementCount
    if reducesRuns {
      length = takenAxes.remove(axis: takenAxes.counts.indices.last).count
    } else {
      length = keptAxes.remove(axis: keptAxes.counts.indices.last).count
    }
    (kept, taken) = (LoopNest(keptAxes), LoopNest(takenAxes))
    piece = reducesRuns ? 1 : min(max(length, 1), 1024)
    pieces = reducesRuns ? 1 : length.dividedUp(by: piece)
    chunks = Chunks(
      kept.count * pieces, tasks: p.tasks(work: shape.elementCount, limit: 64))
  }

  func step(_ p: inout Preparation, _ x: Preparation.Operand) throws(RuntimeError) -> Step {
    let (from, to) = (p.slot(x), p.slot(p.outputs[0]))
    if x.dtype == .float32, reducesRuns {
      return floatRuns(p, from, to, buffers: p.scratch(bytes: chunks.tasks * bufferBytes))
    }
    if x.dtype == .float32, kind != .logSumExp { return floatColumns(p, from, to) }
    // The extremes of bools are those of their bytes.
    let isLogical = x.dtype == .bool && (kind == .max || kind == .min)
    let visitor = ReductionVisitor(plan: self, from: from, to: to, isLogical: isLogical)
    guard let step = (isLogical ? .uint8 : x.dtype).accept(visitor) else {
      throw p.unsupported("it does not take \(x.dtype.name)")
    }
    return step
  }

  private func floatRuns(_ p: Preparation, _ from: Slot, _ to: Slot, buffers: Slot) -> Step {
    let plan = self
    let table = p.kernels
    return Step(tasks: chunks.tasks, kernel: "f32_reduce \(p.isaName)") { work in
      let (x, y) = (work.floats(from), work.floats(to))
      let buffer = work.floats(buffers) + work.task * plan.bufferBytes / MemoryLayout<Float>.stride
      for output in plan.chunks.range(work.task) {
        y[output] = plan.float(table, x + plan.kept.offsets(output).a, buffer)
      }
    }
  }

  /// One output from the runs that start at `x`.
  @inline(__always)
  private func float(
    _ table: UnsafePointer<sp_kernel_table>, _ x: UnsafeMutablePointer<Float>,
    _ buffer: UnsafeMutablePointer<Float>
  ) -> Float {
    switch kind {
    case .sum, .mean:
      var sum = 0.0
      for i in 0..<taken.count {
        sum += Double(table.pointee.f32_sum(length, x + taken.offsets(i).a))
      }
      return Float(kind == .mean ? sum / Double(depth) : sum)
    case .max:
      var largest = -Float.infinity
      for i in 0..<taken.count {
        largest = .larger(largest, table.pointee.f32_max(length, x + taken.offsets(i).a))
      }
      return largest
    case .min: return fold(x, Float.infinity) { Float.smaller($0, $1) }
    case .product: return Float(fold(x, 1.0) { $0 * Double($1) })
    case .l1, .l2, .sumSquare, .logSum, .logSumExp: return composite(table, x, buffer)
    }
  }

  /// A function of a sum of functions, one piece of a run after the other.
  private func composite(
    _ table: UnsafePointer<sp_kernel_table>, _ x: UnsafeMutablePointer<Float>,
    _ buffer: UnsafeMutablePointer<Float>
  ) -> Float {
    var shift: Float = 0
    if kind == .logSumExp {
      shift = -Float.infinity
      for i in 0..<taken.count {
        shift = .larger(shift, table.pointee.f32_max(length, x + taken.offsets(i).a))
      }
      // Infinities are their own logarithms: nothing is subtracted from them.
      if !shift.isFinite { shift = 0 }
    }
    var sum = 0.0
    for i in 0..<taken.count {
      let run = x + taken.offsets(i).a
      var first = 0
      while first < length {
        let n = min(Reduction.buffered, length - first)
        transform(table, n, run + first, buffer, shift)
        sum += Double(table.pointee.f32_sum(n, kind == .logSum ? run + first : buffer))
        first += n
      }
    }
    switch kind {
    case .l2: return Float(sum.squareRoot())
    case .logSum, .logSumExp: return Float(sp_log(sum) + Double(shift))
    default: return Float(sum)
    }
  }

  @inline(__always)
  private func transform(
    _ table: UnsafePointer<sp_kernel_table>, _ n: Int, _ x: UnsafeMutablePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, _ shift: Float
  ) {
    switch kind {
    case .l1: table.pointee.f32_unary(SP_UNARY_ABS, n, x, y, 0, 0)
    case .l2, .sumSquare: table.pointee.f32_binary(SP_BINARY_MUL, n, x, 1, x, 1, y)
    case .logSumExp:
      table.pointee.f32_scale_shift(n, x, 1, -shift, y)
      table.pointee.f32_unary(SP_UNARY_EXP, n, y, y, 0, 0)
    default: break
    }
  }

  /// The longest piece of a run that is transformed before it is summed.
  private static var buffered: Int { 1024 }

  /// Bytes of memory that each task needs besides.
  fileprivate var bufferBytes: Int {
    switch kind {
    case .l1, .l2, .sumSquare, .logSumExp: Self.buffered * MemoryLayout<Float>.stride
    case .sum, .mean, .max, .min, .product, .logSum: 0
    }
  }

  /// Every input of one output, one after the other.
  @inline(__always)
  fileprivate func fold<T, R>(_ x: UnsafeMutablePointer<T>, _ start: R, _ next: (R, T) -> R) -> R {
    var result = start
    for i in 0..<taken.count {
      let run = x + taken.offsets(i).a
      for j in 0..<length { result = next(result, run[j]) }
    }
    return result
  }

  private func floatColumns(_ p: Preparation, _ from: Slot, _ to: Slot) -> Step {
    let plan = self
    let (binary, unary) = (p.kernels.pointee.f32_binary, p.kernels.pointee.f32_unary)
    let (combine, start): (sp_binary, Float) =
      switch kind {
      case .sum, .mean, .l1, .l2, .sumSquare, .logSum, .logSumExp: (SP_BINARY_ADD, 0)
      case .max: (SP_BINARY_MAX, -.infinity)
      case .min: (SP_BINARY_MIN, .infinity)
      case .product: (SP_BINARY_MUL, 1)
      }
    return Step(tasks: chunks.tasks, kernel: "f32_reduce columns \(p.isaName)") { work in
      for unit in plan.chunks.range(work.task) {
        let (run, part) = unit.quotientAndRemainder(dividingBy: plan.pieces)
        let first = part * plan.piece
        let n = min(plan.piece, plan.length - first)
        let x = work.floats(from) + plan.kept.offsets(run).a + first
        let y = work.floats(to) + run * plan.length + first
        for i in 0..<n { y[i] = start }
        for i in 0..<plan.taken.count {
          let row = x + plan.taken.offsets(i).a
          switch plan.kind {
          case .l2, .sumSquare: for j in 0..<n { y[j] += row[j] * row[j] }
          case .l1: for j in 0..<n { y[j] += abs(row[j]) }
          default: binary(combine, n, y, 1, row, 1, y)
          }
        }
        switch plan.kind {
        case .l2: unary(SP_UNARY_SQRT, n, y, y, 0, 0)
        case .logSum: unary(SP_UNARY_LOG, n, y, y, 0, 0)
        case .mean:
          let depth = Float(plan.depth)
          for j in 0..<n { y[j] /= depth }
        default: break
        }
      }
    }
  }
}

/// Element types without kernels, one output at a time.
private struct ReductionVisitor: ArithmeticVisitor {
  let plan: Reduction
  let from: Slot
  let to: Slot
  let isLogical: Bool

  func visit<T: Arithmetic>(_ type: T.Type) -> Step {
    let (plan, from, to) = (plan, from, to)
    // Runs of outputs are single outputs here: their offsets follow from the run's.
    let width = plan.reducesRuns ? 1 : plan.length
    let step = plan.reducesRuns ? 1 : plan.piece
    return Step(tasks: plan.chunks.tasks, kernel: "reduce") { work in
      for unit in plan.chunks.range(work.task) {
        let (run, part) = unit.quotientAndRemainder(dividingBy: plan.pieces)
        let x = work.pointer(from, as: T.self) + plan.kept.offsets(run).a
        let y = work.pointer(to, as: T.self) + run * width
        for column in part * step..<min(width, (part + 1) * step) {
          y[column] = output(x + column)
        }
      }
    }
  }

  @inline(__always)
  private func output<T: Arithmetic>(_ x: UnsafeMutablePointer<T>) -> T {
    switch plan.kind {
    case .sum: fold(x, T.zero) { T.add($0, $1) }
    case .mean: T.divide(fold(x, T.zero) { T.add($0, $1) }, T(count: plan.depth))
    case .max: fold(x, T.lowest) { T.larger($0, $1) }
    case .min: fold(x, isLogical ? T.one : T.highest) { T.smaller($0, $1) }
    case .product: fold(x, T.one) { T.multiply($0, $1) }
    case .l1: fold(x, T.zero) { T.add($0, $1 < T.zero ? T.subtract(T.zero, $1) : $1) }
    case .l2: T(real: fold(x, 0.0) { $0 + $1.real * $1.real }.squareRoot())
    case .sumSquare: fold(x, T.zero) { T.add($0, T.multiply($1, $1)) }
    case .logSum: T(real: sp_log(fold(x, 0.0) { $0 + $1.real }))
    case .logSumExp: logSumExp(x)
    }
  }

  private func logSumExp<T: Arithmetic>(_ x: UnsafeMutablePointer<T>) -> T {
    let largest = fold(x, T.lowest) { T.larger($0, $1) }.real
    // Infinities are their own logarithms: nothing is subtracted from them.
    let shift = largest.isFinite ? largest : 0
    return T(real: sp_log(fold(x, 0.0) { $0 + sp_exp($1.real - shift) }) + shift)
  }

  @inline(__always)
  private func fold<T: Arithmetic, R>(
    _ x: UnsafeMutablePointer<T>, _ start: R, _ next: (R, T) -> R
  ) -> R {
    var result = start
    let length = plan.reducesRuns ? plan.length : 1
    for i in 0..<plan.taken.count {
      let run = x + plan.taken.offsets(i).a
      for j in 0..<length { result = next(result, run[j]) }
    }
    return result
  }
}
