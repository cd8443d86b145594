import CKernels
import SparrowCore

extension AttentionHeads {
  typealias Floats = UnsafeMutablePointer<Float>

  /// One head of one item.
  func attend(_ work: Work) {
    let (item, head) = work.task.quotientAndRemainder(dividingBy: queryHeads)
    let keyHead = head / (queryHeads / keyHeads)
    let memory =
      work.floats(scratch) + work.worker
      * (floats.keys + floats.values + floats.queries + floats.scores + floats.rows)
    let packedK = memory
    let packedV = packedK + floats.keys
    let packedQ = packedV + floats.values
    let packedS = packedQ + floats.queries
    let rows = packedS + floats.scores
    let (mr, nr) = (Int(kernels.pointee.gemm_mr), Int(kernels.pointee.gemm_nr))
    let k = work.floats(self.k) + item * kStrides.batch + keyHead * kStrides.head
    for j in stride(from: 0, to: keys, by: nr) {
      kernels.pointee.f32_pack_b(
        size, min(nr, keys - j), k + j * kStrides.row, 1, kStrides.row, packedK + j * size)
    }
    let v = work.floats(self.v) + item * vStrides.batch + keyHead * vStrides.head
    for j in stride(from: 0, to: valueSize, by: nr) {
      kernels.pointee.f32_pack_b(
        keys, min(nr, valueSize - j), v + j, vStrides.row, 1, packedV + j * keys)
    }
    let q = work.floats(self.q) + item * qStrides.batch + head * qStrides.head
    let y = work.floats(self.y) + item * yStrides.batch + head * yStrides.head
    for first in stride(from: 0, to: queries, by: block) {
      let count = min(block, queries - first)
      for i in stride(from: 0, to: count, by: mr) {
        kernels.pointee.f32_pack_a(
          min(mr, count - i), size, q + (first + i) * qStrides.row, qStrides.row, 1,
          packedQ + i * size)
      }
      kernels.pointee.f32_scale_shift(
        count.dividedUp(by: mr) * mr * size, packedQ, scale, 0, packedQ)
      multiply(count, keys, size, packedQ, packedK, rows, keys)
      for i in 0..<count { softmax(work, item, head, first + i, rows + i * keys) }
      for i in stride(from: 0, to: count, by: mr) {
        kernels.pointee.f32_pack_a(
          min(mr, count - i), keys, rows + i * keys, keys, 1, packedS + i * keys)
      }
      multiply(
        count, valueSize, keys, packedS, packedV, y + first * yStrides.row, yStrides.row)
    }
  }

  /// C `[rows, columns]` = A B of packed panels.
  private func multiply(
    _ rows: Int, _ columns: Int, _ k: Int, _ a: Floats, _ b: Floats, _ c: Floats, _ stride: Int
  ) {
    let (mr, nr) = (Int(kernels.pointee.gemm_mr), Int(kernels.pointee.gemm_nr))
    var epilogue = sp_epilogue(
      row_bias: nil, column_bias: nil, residual: nil, residual_stride: 0, lo: -.infinity,
      hi: .infinity, accumulate: false, last: true)
    var j = 0
    while j < columns {
      var i = 0
      while i < rows {
        kernels.pointee.f32_gemm(
          k, a + i * k, b + j * k, c + i * stride + j, stride, min(mr, rows - i),
          min(nr, columns - j), &epilogue)
        i += mr
      }
      j += nr
    }
  }

  /// The keys that a query may look at, the mask aside: those of a causal one end at itself, and a
  /// window bounds the distance on either side.
  private func range(_ work: Work, _ item: Int, _ query: Int) -> Range<Int> {
    var (low, high) = (0, keys)
    var position = query + past
    if let lengths {
      let length = max(-keys, min(Int(clamping: work.pointer(lengths, as: Int64.self)[item]), keys))
      high = min(high, length)
      position = query + length - queries
    }
    if op.isCausal { high = min(high, position + 1) }
    if let left = op.leftWindow, left >= 0, left <= keys + queries {
      low = max(low, position - left)
    }
    if let right = op.rightWindow, right >= 0, right <= keys + queries {
      high = min(high, position + right + 1)
    }
    if mask != nil { high = min(high, maskShape[3]) }
    return low < high ? low..<high : 0..<0
  }

  /// Turns a row of scores into weights that sum to 1, or to 0 where every key is masked.
  private func softmax(_ work: Work, _ item: Int, _ head: Int, _ query: Int, _ row: Floats) {
    let range = range(work, item, query)
    let (first, count) = (row + range.lowerBound, range.count)
    row.update(repeating: 0, count: range.lowerBound)
    (row + range.upperBound).update(repeating: 0, count: keys - range.upperBound)
    guard count > 0 else { return }
    if op.softcap > 0 {
      kernels.pointee.f32_scale_shift(count, first, 1 / op.softcap, 0, first)
      kernels.pointee.f32_unary(SP_UNARY_TANH, count, first, first, 0, 0)
      kernels.pointee.f32_scale_shift(count, first, op.softcap, 0, first)
    }
    if let mask {
      var start = 0
      for (axis, at) in zip(0..<3, [item, head, query]) {
        start = start * maskShape[axis] + (maskShape[axis] == 1 ? 0 : at)
      }
      start = start * maskShape[3] + range.lowerBound
      if isBoolMask {
        let mask = work.pointer(mask, as: UInt8.self) + start
        for j in 0..<count where mask[j] == 0 { first[j] = -.infinity }
      } else {
        let mask = work.floats(mask) + start
        // What is masked stays so, whatever its score.
        for j in 0..<count { first[j] = mask[j] == -.infinity ? mask[j] : first[j] + mask[j] }
      }
    }
    if kernels.pointee.f32_max(count, first) == -.infinity {
      first.update(repeating: 0, count: count)
    } else {
      kernels.pointee.f32_softmax(count, first, first)
    }
  }
}
