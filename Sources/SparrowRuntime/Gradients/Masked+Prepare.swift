import SparrowCore

extension Masked {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, mask) = (try p.input(0), try p.input(1))
    guard x.dtype == .float32, mask.dtype == .bool, x.shape == mask.shape else {
      return p.referenceStep(.masked(self))
    }
    let (from, flags, to) = (p.slot(x), p.slot(mask), p.slot(p.outputs[0]))
    let chunks = Chunks(x.count, tasks: p.tasks(work: x.count, limit: 64), unit: 16)
    return Step(
      tasks: chunks.tasks, kernel: "masked", inPlaceInput: p.inPlaceInput([0])
    ) { work in
      let (x, y) = (work.floats(from), work.floats(to))
      let flags = work.pointer(flags, as: UInt8.self)
      for i in chunks.range(work.task) { y[i] = flags[i] == 0 ? 0 : x[i] }
    }
  }
}
