import CKernels
import CPlatform
import SparrowCore

extension Softmax {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let x = try p.input(0)
    let rank = x.shape.count
    let axis = rank == 0 ? 0 : self.axis < 0 ? self.axis + rank : self.axis
    guard axis >= 0, axis < max(rank, 1) else {
      throw p.unsupported("axis \(self.axis) is outside a tensor of rank \(rank)")
    }
    let shape = rank == 0 ? [1] : x.shape
    let slices = Slices(
      outer: shape[..<axis].reduce(1, *), length: shape[axis],
      inner: shape[(axis + 1)...].reduce(1, *))
    switch x.dtype {
    case .float32: return slices.inner == 1 ? rows(&p, x, slices) : columns(&p, x, slices)
    case .float64: return doubles(&p, x, slices)
    default:
      throw p.unsupported("it does not take \(x.dtype.name)")
    }
  }

  /// A tensor seen as `[outer, length, inner]` with the axis in the middle.
  private struct Slices {
    var outer: Int
    var length: Int
    var inner: Int
    var count: Int { outer * length * inner }
  }

  private func rows(_ p: inout Preparation, _ x: Preparation.Operand, _ slices: Slices) -> Step {
    let (from, to) = (p.slot(x), p.slot(p.outputs[0]))
    let n = slices.length
    let chunks = Chunks(slices.outer, tasks: p.tasks(work: slices.count * 8, limit: 64))
    let softmax = p.kernels.pointee.f32_softmax
    let logarithm = LogSoftmaxKernels(p.kernels)
    let isLog = isLog
    return Step(
      tasks: chunks.tasks, kernel: "f32_softmax \(p.isaName)",
      inPlaceInput: isLog ? nil : p.inPlaceInput([0])
    ) { work in
      let (x, y) = (work.floats(from), work.floats(to))
      for row in chunks.range(work.task) {
        if isLog {
          logarithm.row(n, x + row * n, y + row * n)
        } else {
          softmax(n, x + row * n, y + row * n)
        }
      }
    }
  }

  /// An axis that is not the last: whole runs of `inner` neighbours at a time.
  private func columns(_ p: inout Preparation, _ x: Preparation.Operand, _ slices: Slices) -> Step {
    let (from, to) = (p.slot(x), p.slot(p.outputs[0]))
    // A task owns some columns of one outer slice.
    let width = min(slices.inner, 1024)
    let parts = slices.inner.dividedUp(by: width)
    let chunks = Chunks(slices.outer * parts, tasks: p.tasks(work: slices.count * 8, limit: 64))
    let scratch = p.scratch(bytes: chunks.tasks * 2 * width * MemoryLayout<Float>.stride)
    let kernels = ColumnSoftmaxKernels(p.kernels, isLog: isLog)
    return Step(
      tasks: chunks.tasks, kernel: "f32_softmax columns \(p.isaName)",
      inPlaceInput: isLog ? nil : p.inPlaceInput([0])
    ) { work in
      let buffer = work.floats(scratch) + work.task * 2 * width
      for unit in chunks.range(work.task) {
        let (outer, part) = unit.quotientAndRemainder(dividingBy: parts)
        let first = outer * slices.length * slices.inner + part * width
        kernels.columns(
          min(width, slices.inner - part * width), slices.length, slices.inner,
          work.floats(from) + first, work.floats(to) + first, buffer, buffer + width)
      }
    }
  }

  private func doubles(_ p: inout Preparation, _ x: Preparation.Operand, _ slices: Slices) -> Step {
    let (from, to) = (p.slot(x), p.slot(p.outputs[0]))
    let chunks = Chunks(
      slices.outer * slices.inner, tasks: p.tasks(work: slices.count * 16, limit: 64))
    let isLog = isLog
    return Step(tasks: chunks.tasks, kernel: "softmax", inPlaceInput: p.inPlaceInput([0])) { work in
      for unit in chunks.range(work.task) {
        let (outer, column) = unit.quotientAndRemainder(dividingBy: slices.inner)
        let first = outer * slices.length * slices.inner + column
        let x = work.pointer(from, as: Double.self) + first
        let y = work.pointer(to, as: Double.self) + first
        let end = slices.length * slices.inner
        var largest = -Double.infinity
        for i in stride(from: 0, to: end, by: slices.inner) { largest = .larger(largest, x[i]) }
        var sum = 0.0
        for i in stride(from: 0, to: end, by: slices.inner) { sum += sp_exp(x[i] - largest) }
        let logSum = sp_log(sum)
        for i in stride(from: 0, to: end, by: slices.inner) {
          let shifted = x[i] - largest
          y[i] = isLog ? shifted - logSum : sp_exp(shifted) / sum
        }
      }
    }
  }
}

/// x - max - log(sum(exp(x - max))) of one row; x and y must differ.
private struct LogSoftmaxKernels {
  private let table: UnsafePointer<sp_kernel_table>

  init(_ table: UnsafePointer<sp_kernel_table>) { self.table = table }

  func row(_ n: Int, _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    let largest = table.pointee.f32_max(n, x)
    table.pointee.f32_scale_shift(n, x, 1, -largest, y)
    table.pointee.f32_unary(SP_UNARY_EXP, n, y, y, 0, 0)
    let logSum = Float(sp_log(Double(table.pointee.f32_sum(n, y))))
    // Subtracting in two steps keeps the precision of large inputs.
    table.pointee.f32_scale_shift(n, x, 1, -largest, y)
    table.pointee.f32_scale_shift(n, y, 1, -logSum, y)
  }
}

private struct ColumnSoftmaxKernels {
  private let table: UnsafePointer<sp_kernel_table>
  private let isLog: Bool

  init(_ table: UnsafePointer<sp_kernel_table>, isLog: Bool) {
    (self.table, self.isLog) = (table, isLog)
  }

  /// `n` columns of `length` rows that are `stride` apart; x and y must differ for the logarithm.
  func columns(
    _ n: Int, _ length: Int, _ stride: Int, _ x: UnsafeMutablePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, _ largest: UnsafeMutablePointer<Float>,
    _ sum: UnsafeMutablePointer<Float>
  ) {
    let (binary, unary) = (table.pointee.f32_binary, table.pointee.f32_unary)
    for i in 0..<n { (largest[i], sum[i]) = (-Float.infinity, 0) }
    for row in 0..<length { binary(SP_BINARY_MAX, n, largest, 1, x + row * stride, 1, largest) }
    for row in 0..<length {
      let y = y + row * stride
      binary(SP_BINARY_SUB, n, x + row * stride, 1, largest, 1, y)
      unary(SP_UNARY_EXP, n, y, y, 0, 0)
      binary(SP_BINARY_ADD, n, sum, 1, y, 1, sum)
    }
    if isLog { unary(SP_UNARY_LOG, n, sum, sum, 0, 0) }
    for row in 0..<length {
      let y = y + row * stride
      if isLog {
        binary(SP_BINARY_SUB, n, x + row * stride, 1, largest, 1, y)
        binary(SP_BINARY_SUB, n, y, 1, sum, 1, y)
      } else {
        binary(SP_BINARY_DIV, n, y, 1, sum, 1, y)
      }
    }
  }
}
