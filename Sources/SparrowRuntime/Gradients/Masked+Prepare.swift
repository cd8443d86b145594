import CKernels
import SparrowCore

extension Masked {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, mask) = (try p.input(0), try p.input(1))
    guard x.dtype == .float32, mask.dtype == .bool, x.shape == mask.shape else {
      return p.referenceStep(.masked(self))
    }
    let (from, flags, to) = (p.slot(x), p.slot(mask), p.slot(p.outputs[0]))
    let chunks = Chunks(x.count, tasks: p.tasks(work: x.count, limit: 64), unit: 16)
    let select = p.kernels.pointee.u32_select
    let zero = LookupTable([UInt32(0)])
    return Step(
      tasks: chunks.tasks, kernel: "u32_select \(p.isaName)", inPlaceInput: p.inPlaceInput([0])
    ) { work in
      let range = chunks.range(work.task)
      let (x, y) = (work.pointer(from, as: UInt32.self), work.pointer(to, as: UInt32.self))
      select(
        range.count, work.pointer(flags, as: UInt8.self) + range.lowerBound,
        x + range.lowerBound, 1, zero.base, 0, y + range.lowerBound)
    }
  }
}
