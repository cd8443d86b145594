import CKernels
import SparrowCore

extension Clip {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let x = try p.input(0)
    let bounds = [p.optional(1), p.optional(2)]
    for bound in bounds {
      guard let bound else { continue }
      guard bound.count == 1, bound.dtype == x.dtype else {
        throw p.unsupported("its bounds must be scalars of x's type")
      }
    }
    let low = bounds[0].map { p.slot($0) }
    let high = bounds[1].map { p.slot($0) }
    let chunks = Chunks(x.count, tasks: p.tasks(work: x.count, limit: 64), unit: 64)
    let visitor = ClipVisitor(
      x: p.slot(x), low: low, high: high, y: p.slot(p.outputs[0]), chunks: chunks,
      inPlaceInput: p.inPlaceInput([0]))
    if x.dtype == .float32 { return visitor.kernelStep(p) }
    guard let step = x.dtype.accept(visitor) else {
      throw p.unsupported("it does not take \(x.dtype.name)")
    }
    return step
  }
}

private struct ClipVisitor: ArithmeticVisitor {
  let x: Slot
  let low: Slot?
  let high: Slot?
  let y: Slot
  let chunks: Chunks
  let inPlaceInput: Int?

  func kernelStep(_ p: Preparation) -> Step {
    let (x, low, high, y, chunks) = (x, low, high, y, chunks)
    let unary = p.kernels.pointee.f32_unary
    return Step(
      tasks: chunks.tasks, kernel: "f32_unary \(p.isaName)", inPlaceInput: inPlaceInput
    ) { work in
      let range = chunks.range(work.task)
      let low = low.map { work.floats($0)[0] } ?? -Float.infinity
      let high = high.map { work.floats($0)[0] } ?? Float.infinity
      unary(
        SP_UNARY_CLIP, range.count, work.floats(x) + range.lowerBound,
        work.floats(y) + range.lowerBound, low, high)
    }
  }

  func visit<T: Arithmetic>(_ type: T.Type) -> Step {
    let (x, low, high, y, chunks) = (x, low, high, y, chunks)
    return Step(tasks: chunks.tasks, kernel: "clip", inPlaceInput: inPlaceInput) { work in
      let (x, y) = (work.pointer(x, as: T.self), work.pointer(y, as: T.self))
      let low = low.map { work.pointer($0, as: T.self)[0] } ?? T.lowest
      let high = high.map { work.pointer($0, as: T.self)[0] } ?? T.highest
      for i in chunks.range(work.task) { y[i] = T.smaller(T.larger(x[i], low), high) }
    }
  }
}
