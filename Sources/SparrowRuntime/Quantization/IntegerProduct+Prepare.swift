import SparrowCore

extension IntegerProduct {
  /// MatMulInteger with one zero point for A, row by row: each element of A's row times a row of B is
  /// added to the sums. Anything else runs the reference.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (a, b) = (try p.input(0), try p.input(1))
    let bZeros = p.optional(3)
    guard !isQuantized, p.optional(2).map({ $0.count == 1 }) ?? true, a.count > 0, b.count > 0,
      bZeros.map({ $0.count == 1 || (b.shape.count == 2 && $0.count == b.shape[1]) }) ?? true
    else { return p.referenceStep(.integerProduct(self)) }
    let shape = ProductShape(matMul: a.shape, b.shape)
    switch (a.dtype, b.dtype) {
    case (.uint8, .uint8): return step(&p, shape, UInt8.self, UInt8.self)
    case (.uint8, .int8): return step(&p, shape, UInt8.self, Int8.self)
    case (.int8, .uint8): return step(&p, shape, Int8.self, UInt8.self)
    case (.int8, .int8): return step(&p, shape, Int8.self, Int8.self)
    default: return p.referenceStep(.integerProduct(self))
    }
  }

  private func step<A: FixedWidthInteger & BitwiseCopyable, B: FixedWidthInteger & BitwiseCopyable>(
    _ p: inout Preparation, _ shape: ProductShape, _ a: A.Type, _ b: B.Type
  ) -> Step {
    let slots = p.inputs.map { operand in operand.map { p.slot($0) } }
    let to = p.slot(p.outputs[0])
    let rows = Chunks(shape.m, tasks: p.tasks(work: shape.m * shape.n * shape.k, limit: shape.m))
    let isOneZero = p.optional(3)?.count == 1
    let batch = shape.batch
    return Step(
      tasks: batch * rows.tasks, kernel: "integer product", multiplyAdds: shape.multiplyAdds
    ) { work in
      let work = copy work
      guard let aSlot = slots[0], let bSlot = slots[1] else { return }
      let (matrix, chunk) = work.task.quotientAndRemainder(dividingBy: rows.tasks)
      let left = work.pointer(aSlot, as: A.self) + shape.aOffsets[matrix]
      let right = work.pointer(bSlot, as: B.self) + shape.bOffsets[matrix]
      let y = work.pointer(to, as: Int32.self) + matrix * shape.m * shape.n
      let zero =
        slots.count > 2 ? slots[2].map { Int32(work.pointer($0, as: A.self)[0]) } ?? 0 : 0
      let zeros = slots.count > 3 ? slots[3].map { work.pointer($0, as: B.self) } : nil
      for i in rows.range(chunk) {
        let (row, sums) = (left + i * shape.k, y + i * shape.n)
        sums.update(repeating: 0, count: shape.n)
        var total: Int32 = 0
        for k in 0..<shape.k {
          let factor = Int32(row[k]) &- zero
          total &+= factor
          let values = right + k * shape.n
          for j in 0..<shape.n { sums[j] &+= factor &* Int32(values[j]) }
        }
        guard let zeros else { continue }
        for j in 0..<shape.n { sums[j] &-= total &* Int32(zeros[isOneZero ? 0 : j]) }
      }
    }
  }
}
