import SparrowCore

extension Pad {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, y) = (try p.input(0), p.outputs[0])
    let resolved: (begin: [Int], end: [Int])?
    do throws(InferenceError) {
      resolved = try pads(p.inferenceContext, rank: x.shape.count)
    } catch {
      throw p.unsupported(error.reason)
    }
    guard let pads = resolved else { throw p.unsupported("its pads or axes are not constant") }
    let limit = Int.limit(1 << 40, narrow: 1 << 26)  // far beyond any length, and far from overflow
    for amount in pads.begin + pads.end where amount < -limit || amount > limit {
      throw p.unsupported("a pad of \(amount) elements is too large")
    }
    guard mode != .constant else { return try constantStep(&p, x, pads.begin) }
    var sources: [[Int]] = []
    for axis in x.shape.indices {
      guard x.shape[axis] > 0 || y.count == 0 else {
        throw p.unsupported("axis \(axis) has no element to pad with")
      }
      sources.append(
        (0..<y.shape[axis]).map { source($0 - pads.begin[axis], length: x.shape[axis]) })
    }
    let copy = TableCopy(p, input: x.shape, sources: sources, from: p.slot(x), to: p.slot(y))
    return p.step(copy, x.dtype, kernel: "pad \(mode.name)")
  }

  /// The input position that output position `i`, counted from the input's first, shows.
  private func source(_ i: Int, length: Int) -> Int {
    guard length > 1 else { return 0 }
    switch mode {
    case .constant, .edge: return min(max(i, 0), length - 1)
    case .wrap: return modulo(i, length)
    case .reflect:
      let position = modulo(i, 2 * (length - 1))
      return min(position, 2 * (length - 1) - position)
    }
  }

  private func modulo(_ i: Int, _ n: Int) -> Int {
    let rest = i % n
    return rest < 0 ? rest + n : rest
  }

  /// Fills the whole output, then copies what negative pads leave of the input.
  private func constantStep(
    _ p: inout Preparation, _ x: Preparation.Operand, _ begin: [Int]
  ) throws(RuntimeError) -> Step {
    let y = p.outputs[0]
    let value = p.optional(2)
    if let value, value.dtype != x.dtype || value.count != 1 {
      throw p.unsupported("its value must be a scalar of x's type")
    }
    var counts: [Int] = []
    var (fromStart, toStart) = (0, 0)
    let strides = (x: x.shape.rowMajorStrides, y: y.shape.rowMajorStrides)
    for axis in x.shape.indices {
      let first = max(0, -begin[axis])
      let last = min(x.shape[axis], y.shape[axis] - begin[axis])
      counts.append(max(0, last - first))
      guard last > first else { continue }
      fromStart += first * strides.x[axis]
      toStart += (first + begin[axis]) * strides.y[axis]
    }
    let copy = StridedCopy(
      counts: counts, from: (p.slot(x), fromStart, strides.x), to: (p.slot(y), toStart, strides.y))
    let fill = ConstantPadding(
      value: value.map { p.slot($0) }, to: p.slot(y), count: y.count,
      tasks: p.tasks(work: y.count, limit: 16), size: y.dtype.size)
    let (filling, copying) = (
      y.dtype.acceptWord(fill), p.step([copy], x.dtype, kernel: "copy")
    )
    return Step(inSequence: [filling, copying], kernel: "pad constant")
  }
}

private struct ConstantPadding: WordVisitor {
  let value: Slot?
  let to: Slot
  let count: Int
  let tasks: Int
  let size: Int

  func visit<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> Step {
    let value = value
    return FillVisitor(to: to, count: count, tasks: tasks) { work in
      guard let value else { return 0 }
      return UInt64(truncatingIfNeeded: work.pointer(value, as: T.self)[0])
    }.visit(type)
  }
}

extension Step {
  /// One step that does the phases of several, one step after the other.
  convenience init(inSequence steps: [Step], kernel: String, inPlaceInput: Int? = nil) {
    var owners: [Int] = []
    var phasesBefore: [Int] = []
    for (i, step) in steps.enumerated() {
      for phase in step.phases.indices {
        owners.append(i)
        phasesBefore.append(phase)
      }
    }
    let (owner, phase) = (LookupTable(owners), LookupTable(phasesBefore))
    self.init(
      phases: steps.flatMap { $0.phases }, kernel: kernel,
      multiplyAdds: steps.reduce(0) { $0 + $1.multiplyAdds }, inPlaceInput: inPlaceInput
    ) { work in
      var inner = copy work
      inner.phase = phase[work.phase]
      steps[owner[work.phase]].body(inner)
    }
  }
}
