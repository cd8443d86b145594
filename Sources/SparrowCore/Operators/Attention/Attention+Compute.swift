extension Attention {
  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    do throws(InferenceError) {
      _ = try inferTypes(x.context)
    } catch {
      throw ComputeError(error)
    }
    let (q, k, v) = (try x.tensor(0), try x.tensor(1), try x.tensor(2))
    let isFlat = q.rank == 3
    let (n, m) = isFlat ? (queryHeads ?? 1, keyHeads ?? 1) : (q.shape[1], k.shape[1])
    let batch = q.shape[0]
    let (queries, now) = (q.shape[q.rank - 2], k.shape[k.rank - 2])
    let past = x.optional(4)?.shape[2] ?? 0
    let (d, e) = (q.shape[q.rank - 1] / (isFlat ? n : 1), v.shape[v.rank - 1] / (isFlat ? m : 1))
    func heads(_ tensor: Tensor, _ length: Int, _ heads: Int, _ size: Int) -> [Double] {
      guard isFlat else { return tensor.doubles }
      return HeadAttention.split(
        tensor.doubles, batch: batch, length: length, heads: heads, size: size)
    }
    var (keys, values) = (heads(k, now, m, d), heads(v, now, m, e))
    if let first = x.optional(4) {
      keys = HeadAttention.appended(first.doubles, keys, parts: batch * m)
    }
    if let first = x.optional(5) {
      values = HeadAttention.appended(first.doubles, values, parts: batch * m)
    }
    let mask = try AttentionMask(self, x, batch, n, queries, past: past, keys: past + now)
    let core = HeadAttention(
      batch: batch, queryHeads: n, keyHeads: m, queries: queries, keys: past + now, headSize: d,
      valueSize: e, q: heads(q, queries, n, d), k: keys, v: values,
      scale: scale.map { Double($0) } ?? 1 / Double(d).squareRoot(), softcap: Double(softcap),
      bias: { mask.bias($0, $1, $2, $3) })
    let stage = HeadAttention.Stage(rawValue: scores)
    let made = core.run(stage: x.outputCount > 3 ? stage ?? .raw : nil)
    let y =
      isFlat
      ? HeadAttention.joined(made.y, batch: batch, heads: n, length: queries, size: e) : made.y
    var result = [
      Tensor(q.dtype, isFlat ? [batch, queries, n * e] : [batch, n, queries, e], doubles: y),
      Tensor(q.dtype, [batch, m, past + now, d], doubles: keys),
      Tensor(v.dtype, [batch, m, past + now, e], doubles: values),
    ]
    if x.outputCount > 3 {
      result.append(Tensor(q.dtype, [batch, n, queries, past + now], doubles: made.scores))
    }
    return Array(result.prefix(x.outputCount))
  }
}

/// The keys that each query of an ONNX Attention may look at.
///
/// With `offset` keys before the first query, query i is at position i + offset: a causal one sees
/// keys up to there, a window bounds the distance, and `nonpad_kv_seqlen` ends an item's keys.
private struct AttentionMask {
  private let op: Attention
  private let (queries, past): (Int, Int)
  private let lengths: [Int]?
  private let mask: [Double]?
  private let isBool: Bool
  /// The mask's own shape, filled up to rank 4.
  private let shape: [Int]

  init(
    _ op: Attention, _ x: Operands, _ batch: Int, _ heads: Int, _ queries: Int, past: Int, keys: Int
  ) throws(ComputeError) {
    (self.op, self.queries, self.past) = (op, queries, past)
    // Lengths beyond the keys are all alike; bounded, positions cannot overflow.
    lengths = x.optional(6)?.integers.map { $0.map { Swift.max(-keys, Swift.min($0, keys)) } }
    mask = x.optional(3)?.doubles
    isBool = x.optional(3)?.dtype == .bool
    let own = x.optional(3)?.shape ?? []
    shape = [Int](repeating: 1, count: 4 - own.count) + own
    for (length, limit) in zip(shape.dropLast(), [batch, heads, queries])
    where length != 1 && length != limit {
      throw ComputeError("the mask's shape does not fit [\(batch),\(heads),\(queries),\(keys)]")
    }
    if mask != nil, let last = own.last, last > keys {
      throw ComputeError("the mask has \(last) keys, expected \(keys)")
    }
  }

  func bias(_ b: Int, _ h: Int, _ i: Int, _ j: Int) -> Double {
    if let lengths, j >= lengths[b] { return -.infinity }
    let position = i + (lengths.map { $0[b] - queries } ?? past)
    if op.isCausal, j > position { return -.infinity }
    if let left = op.leftWindow, left >= 0, position - j > left { return -.infinity }
    if let right = op.rightWindow, right >= 0, j - position > right { return -.infinity }
    guard let mask else { return 0 }
    // A mask that ends early masks the rest.
    guard j < shape[3] else { return -.infinity }
    var index = 0
    for (axis, at) in [b, h, i].enumerated() {
      index = index * shape[axis] + (shape[axis] == 1 ? 0 : at)
    }
    let value = mask[index * shape[3] + j]
    return isBool ? (value == 0 ? -.infinity : 0) : value
  }
}
