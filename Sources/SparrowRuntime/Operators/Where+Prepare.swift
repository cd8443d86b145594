import CKernels
import SparrowCore

extension Where {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (condition, x, y) = (try p.input(0), try p.input(1), try p.input(2))
    guard condition.dtype == .bool, x.dtype == y.dtype else {
      throw p.unsupported("it takes a bool and two values of one type")
    }
    let loop = ElementwiseLoop(
      p, output: p.outputs[0].shape, operands: [condition.shape, x.shape, y.shape])
    if x.dtype.size == 4, loop.stepA == 1 { return wordStep(&p, loop, condition, x, y) }
    return x.dtype.acceptWord(
      WhereVisitor(
        loop: loop, condition: p.slot(condition), x: p.slot(x), y: p.slot(y),
        result: p.slot(p.outputs[0]), inPlaceInput: p.inPlaceInput([1, 2])))
  }
}

extension Where {
  /// Elements of 32 bits, the condition one an element.
  private func wordStep(
    _ p: inout Preparation, _ loop: ElementwiseLoop, _ condition: Preparation.Operand,
    _ x: Preparation.Operand, _ y: Preparation.Operand
  ) -> Step {
    let select = p.kernels.pointee.u32_select
    let (flags, result) = (p.slot(condition), p.slot(p.outputs[0]))
    let (yes, no) = (p.slot(x), p.slot(y))
    return Step(
      tasks: loop.chunks.tasks, kernel: "u32_select \(p.isaName)",
      inPlaceInput: p.inPlaceInput([1, 2])
    ) { work in
      let (x, y) = (work.pointer(yes, as: UInt32.self), work.pointer(no, as: UInt32.self))
      let condition = work.pointer(flags, as: UInt8.self)
      let result = work.pointer(result, as: UInt32.self)
      loop.forEachRun(work.task) { run in
        select(
          run.count, condition + run.a, x + run.b, loop.stepB, y + run.c, loop.stepC,
          result + run.y)
      }
    }
  }
}

private struct WhereVisitor: WordVisitor {
  let loop: ElementwiseLoop
  let condition: Slot
  let x: Slot
  let y: Slot
  let result: Slot
  let inPlaceInput: Int?

  func visit<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> Step {
    let (loop, condition, x, y, result) = (loop, condition, x, y, result)
    return Step(tasks: loop.chunks.tasks, kernel: "where", inPlaceInput: inPlaceInput) { work in
      let condition = work.pointer(condition, as: UInt8.self)
      let (x, y) = (work.pointer(x, as: T.self), work.pointer(y, as: T.self))
      let result = work.pointer(result, as: T.self)
      loop.forEachRun(work.task) { run in
        for i in 0..<run.count {
          let (yes, no) = (x[run.b + i * loop.stepB], y[run.c + i * loop.stepC])
          result[run.y + i] = condition[run.a + i * loop.stepA] != 0 ? yes : no
        }
      }
    }
  }
}
