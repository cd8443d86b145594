import CKernels
import SparrowCore

extension Attention {
  /// float32: a task computes one head of one item, some queries at a time, so that their scores stay
  /// in cache. With a past, keys and values are first put together as the present ones. Other types,
  /// and the scores as an output, run the reference.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let operands = try (0..<3).map { i throws(RuntimeError) in try p.input(i) }
    let mask = p.optional(3)?.dtype
    guard operands.allSatisfy({ $0.dtype == .float32 && $0.count > 0 }), p.outputs.count <= 3,
      mask == nil || mask == .float32 || mask == .bool
    else { return p.referenceStep(.attention(self)) }
    let heads = AttentionHeads(self, &p, operands)
    let attending = Step(
      tasks: heads.batch * heads.queryHeads, kernel: "attention",
      multiplyAdds: [
        heads.batch, heads.queryHeads, heads.queries, heads.keys, heads.size + heads.valueSize,
      ].clampedProduct
    ) { work in heads.attend(copy work) }
    let kernel = "f32_attention \(p.isaName)"
    return Step(inSequence: heads.copies + [attending], kernel: kernel)
  }
}

/// The heads of an operand: `first + item * batch + head * head + position * row` begins a vector.
struct HeadStrides {
  var (batch, head, row): (Int, Int, Int)

  init(_ shape: [Int], heads: Int) {
    if shape.count == 4 {
      (batch, head, row) = (shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3])
    } else {
      (batch, head, row) = (shape[1] * shape[2], shape[2] / max(heads, 1), shape[2])
    }
  }
}

/// The sizes, strides and memory of an attention in float32.
///
/// A worker's memory: `keys` and `values` packed as B panels, `queries` and `scores` of one block as
/// A panels, and the scores of a block as a matrix.
final class AttentionHeads: @unchecked Sendable {
  let op: Attention
  let kernels: UnsafePointer<sp_kernel_table>
  let (batch, queryHeads, keyHeads): (Int, Int, Int)
  let (queries, past, keys, size, valueSize): (Int, Int, Int, Int, Int)
  let (q, y): (Slot, Slot)
  /// Of all keys and values: the operands, or what the copies make of them and the past.
  private(set) var (k, v): (Slot, Slot)
  let (lengths, mask): (Slot?, Slot?)
  let (qStrides, yStrides): (HeadStrides, HeadStrides)
  private(set) var (kStrides, vStrides): (HeadStrides, HeadStrides)
  let isBoolMask: Bool
  /// The mask's own lengths, filled up to rank 4.
  let maskShape: [Int]
  let scale: Float
  private(set) var copies: [Step] = []

  /// Queries that are taken together.
  let block: Int
  let floats: (keys: Int, values: Int, queries: Int, scores: Int, rows: Int)
  let scratch: Slot

  init(_ op: Attention, _ p: inout Preparation, _ x: [Preparation.Operand]) {
    let (qShape, kShape, vShape) = (x[0].shape, x[1].shape, x[2].shape)
    let isFlat = qShape.count == 3
    let n = isFlat ? op.queryHeads ?? 1 : qShape[1]
    let m = isFlat ? op.keyHeads ?? 1 : kShape[1]
    let queries = qShape[qShape.count - 2]
    let past = p.optional(4)?.shape[2] ?? 0
    let keys = past + kShape[kShape.count - 2]
    let size = qShape[qShape.count - 1] / (isFlat ? n : 1)
    let valueSize = vShape[vShape.count - 1] / (isFlat ? m : 1)
    (self.op, kernels) = (op, p.kernels)
    (batch, queryHeads, keyHeads) = (qShape[0], n, m)
    (self.queries, self.past, self.keys) = (queries, past, keys)
    (self.size, self.valueSize) = (size, valueSize)
    (q, k, v, y) = (p.slot(x[0]), p.slot(x[1]), p.slot(x[2]), p.slot(p.outputs[0]))
    qStrides = HeadStrides(qShape, heads: n)
    kStrides = HeadStrides(kShape, heads: m)
    vStrides = HeadStrides(vShape, heads: m)
    yStrides = HeadStrides(p.outputs[0].shape, heads: n)
    lengths = p.optional(6).map { p.slot($0) }
    mask = p.optional(3).map { p.slot($0) }
    isBoolMask = p.optional(3)?.dtype == .bool
    let own = p.optional(3)?.shape ?? []
    maskShape = [Int](repeating: 1, count: 4 - own.count) + own
    scale = op.scale ?? 1 / Float(size).squareRoot()
    let (mr, nr) = (Int(p.kernels.pointee.gemm_mr), Int(p.kernels.pointee.gemm_nr))
    block = min(queries.dividedUp(by: mr), max(1, 56 / mr)) * mr
    func lines(_ floats: Int) -> Int { floats.dividedUp(by: 16) * 16 }
    floats = (
      keys: lines(keys.dividedUp(by: nr) * nr * size),
      values: lines(valueSize.dividedUp(by: nr) * nr * keys), queries: lines(block * size),
      scores: lines(block * keys), rows: lines(block * keys)
    )
    scratch = p.scratch(
      bytes: p.threads
        * (floats.keys + floats.values + floats.queries + floats.scores + floats.rows) * 4)
    join(&p, x)
  }

  /// Makes the present keys and values where there is a past, or where they are outputs.
  private func join(_ p: inout Preparation, _ x: [Preparation.Operand]) {
    guard past > 0 || p.outputs.count > 1 || p.optional(4) != nil else { return }
    for (i, size) in [(1, size), (2, valueSize)] {
      let target =
        i < p.outputs.count
        ? p.slot(p.outputs[i]) : p.scratch(bytes: batch * keyHeads * keys * size * 4)
      let now = p.slot(x[i])
      let before = past > 0 ? p.optional(3 + i).map { p.slot($0) } : nil
      let from = i == 1 ? kStrides : vStrides
      let present = HeadStrides([batch, keyHeads, keys, size], heads: keyHeads)
      let (heads, past, keys) = (keyHeads, past, keys)
      copies.append(
        Step(tasks: batch * heads, kernel: "copy") { work in
          let (item, head) = work.task.quotientAndRemainder(dividingBy: heads)
          let y = work.floats(target) + work.task * keys * size
          if let before {
            y.update(from: work.floats(before) + work.task * past * size, count: past * size)
          }
          let x = work.floats(now) + item * from.batch + head * from.head
          for t in 0..<(keys - past) {
            (y + (past + t) * size).update(from: x + t * from.row, count: size)
          }
        })
      if i == 1 { (k, kStrides) = (target, present) } else { (v, vStrides) = (target, present) }
    }
  }
}
