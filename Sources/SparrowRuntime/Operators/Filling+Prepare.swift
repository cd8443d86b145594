import SparrowCore

extension ConstantOfShape {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let y = p.outputs[0]
    let bits = value.bits
    return y.dtype.acceptWord(
      FillVisitor(
        to: p.slot(y), count: y.count, tasks: p.tasks(work: y.count, limit: 16),
        bits: { _ in bits }))
  }
}

/// Every element of a value is the same word.
struct FillVisitor: WordVisitor {
  let to: Slot
  let count: Int
  let tasks: Int
  let bits: (borrowing Work) -> UInt64

  func visit<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> Step {
    let (to, bits) = (to, bits)
    let chunks = Chunks(count, tasks: tasks, unit: 64)
    return Step(tasks: chunks.tasks, kernel: "fill") { work in
      let range = chunks.range(work.task)
      let word = T(truncatingIfNeeded: bits(work))
      (work.pointer(to, as: T.self) + range.lowerBound).update(repeating: word, count: range.count)
    }
  }
}

extension RangeOf {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (start, delta) = (try p.input(0), try p.input(2))
    let visitor = RangeVisitor(
      start: p.slot(start), delta: p.slot(delta), to: p.slot(p.outputs[0]),
      count: p.outputs[0].count)
    guard start.dtype == delta.dtype, let step = start.dtype.accept(visitor) else {
      throw p.unsupported("it does not take \(start.dtype.name) and \(delta.dtype.name)")
    }
    return step
  }
}

private struct RangeVisitor: ArithmeticVisitor {
  let start: Slot
  let delta: Slot
  let to: Slot
  let count: Int

  func visit<T: Arithmetic>(_ type: T.Type) -> Step {
    let (start, delta, to, count) = (start, delta, to, count)
    return Step(kernel: "range") { work in
      let first = work.pointer(start, as: T.self)[0]
      let difference = work.pointer(delta, as: T.self)[0]
      let y = work.pointer(to, as: T.self)
      for i in 0..<count { y[i] = T.add(first, T.multiply(T(count: i), difference)) }
    }
  }
}

extension ShapeOf {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    guard let lengths = valueFromTypes(p.inferenceContext)?.integers else {
      throw p.unsupported("the shape of its input is not known")
    }
    let table = LookupTable(lengths.map { Int64($0) })
    let to = p.slot(p.outputs[0])
    return Step(kernel: "shape") { work in
      work.pointer(to, as: Int64.self).update(from: table.base, count: table.count)
    }
  }
}
