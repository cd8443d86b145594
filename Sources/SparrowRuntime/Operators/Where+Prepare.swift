import SparrowCore

extension Where {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (condition, x, y) = (try p.input(0), try p.input(1), try p.input(2))
    guard condition.dtype == .bool, x.dtype == y.dtype else {
      throw p.unsupported("it takes a bool and two values of one type")
    }
    let loop = ElementwiseLoop(
      p, output: p.outputs[0].shape, operands: [condition.shape, x.shape, y.shape])
    return x.dtype.acceptWord(
      WhereVisitor(
        loop: loop, condition: p.slot(condition), x: p.slot(x), y: p.slot(y),
        result: p.slot(p.outputs[0]), inPlaceInput: p.inPlaceInput([1, 2])))
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
