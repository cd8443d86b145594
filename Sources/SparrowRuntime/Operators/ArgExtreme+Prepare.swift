import SparrowCore

extension ArgExtreme {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let x = try p.input(0)
    let axis = self.axis < 0 ? self.axis + x.shape.count : self.axis
    guard axis >= 0, axis < x.shape.count, x.shape[axis] > 0 else {
      throw p.unsupported("axis \(self.axis) of x is missing or has no elements")
    }
    let inner = x.shape[(axis + 1)...].reduce(1, *)
    let outputs = p.outputs[0].count
    let visitor = ArgExtremeVisitor(
      op: self, from: p.slot(x), to: p.slot(p.outputs[0]), length: x.shape[axis], inner: inner,
      chunks: Chunks(outputs, tasks: p.tasks(work: x.count, limit: 64)))
    guard let step = x.dtype.accept(visitor) else {
      throw p.unsupported("it does not take \(x.dtype.name)")
    }
    return step
  }
}

private struct ArgExtremeVisitor: ArithmeticVisitor {
  let op: ArgExtreme
  let from: Slot
  let to: Slot
  let length: Int
  let inner: Int
  let chunks: Chunks

  func visit<T: Arithmetic>(_ type: T.Type) -> Step {
    let (op, from, to, length, inner, chunks) = (op, from, to, length, inner, chunks)
    return Step(tasks: chunks.tasks, kernel: op.isMax ? "arg_max" : "arg_min") { work in
      let y = work.pointer(to, as: Int64.self)
      for output in chunks.range(work.task) {
        let (outer, column) = output.quotientAndRemainder(dividingBy: inner)
        let x = work.pointer(from, as: T.self) + outer * length * inner + column
        var (best, position) = (x[0], 0)
        for i in 1..<max(length, 1) {
          let next = x[i * inner]
          let wins = op.isMax ? next > best : next < best
          if wins || op.selectsLast && next == best { (best, position) = (next, i) }
        }
        y[output] = Int64(position)
      }
    }
  }
}
