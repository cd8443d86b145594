/// com.microsoft GroupQueryAttention: causal attention of N query heads on M key heads with a cache.
///
/// Inputs: query `[B,L,N*D]` (or with key and value behind it, `[B,L,(N+2M)*D]`), key? and value?
/// `[B,L,M*D]`, past_key? and past_value? `[B,M,P,D]`, seqlens_k (int32 `[B]`: each item's keys less
/// one), total_sequence_length (int32: of the longest), cos? and sin? `[positions, R/2]`,
/// position_ids? `[B,L]`, attention_bias? `[B or 1, N or 1, L, T]`. Outputs: `[B,L,N*D]`, and keys and
/// values with the present ones, `[B,M,max(P,T),D]`.
///
/// An item's last L keys are the present ones: they follow those of its past, or in a batch of unequal
/// first prompts stand at the front with padding behind.
public struct GroupQueryAttention: Operator {
  public var heads = 1
  public var keyHeads = 1
  /// 0: 1 / sqrt(D).
  public var scale: Float = 0
  public var softcap: Float = 0
  /// Keys at most that many positions back count, the query's own included; -1: all.
  public var window = -1
  public var rotates = false
  public var isInterleaved = false
  /// The softmax counts one more score of 0.
  public var isSmooth = false

  public init() {}
  public var name: String { "GroupQueryAttention" }
  public var domain: String { "com.microsoft" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...11 }
  public var shapeInputs: [Int] { [6] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("do_rotary", &rotates)
    try visitor.visit("kv_num_heads", &keyHeads)
    try visitor.visit("local_window_size", &window)
    try visitor.visit("num_heads", &heads)
    try visitor.visit("rotary_interleaved", &isInterleaved)
    try visitor.visit("scale", &scale)
    try visitor.visit("smooth_softmax", &isSmooth)
    try visitor.visit("softcap", &softcap)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    guard heads > 0, keyHeads > 0, heads % keyHeads == 0 else {
      throw InferenceError("\(heads) query heads cannot share \(keyHeads) key heads")
    }
    let query = try context.type(0)
    try ShapeRules.require(rank: query.dimensions, 3...3, "query")
    guard context.has(1) == context.has(2), context.has(3) == context.has(4) else {
      throw InferenceError("keys and values must be given together")
    }
    guard context.has(5), context.has(6) else {
      throw InferenceError("seqlens_k and total_sequence_length must be given")
    }
    let q = query.dimensions ?? [.unknown, .unknown, .unknown]
    let all = context.has(1) ? heads : heads + 2 * keyHeads
    var size = Dimension.unknown
    if let hidden = q[2].value {
      guard hidden % all == 0 else {
        throw InferenceError("\(hidden) elements do not divide into \(all) heads")
      }
      size = .known(hidden / all)
    }
    var present = Dimension.unknown
    let past = context.has(3) ? try context.dimensions(3)?[safe: 2] : .known(0)
    if let total = context.integers(6)?.first, let past = past?.value, total >= 0 {
      present = .known(Swift.max(total, past))
    }
    let hidden = size.value.map { Dimension.known($0 * heads) } ?? .unknown
    let cache = TensorType(query.dtype, [q[0], .known(keyHeads), present, size])
    return Array(
      [TensorType(query.dtype, [q[0], q[1], hidden]), cache, cache].prefix(context.outputCount))
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    do throws(InferenceError) {
      _ = try inferTypes(x.context)
    } catch {
      throw ComputeError(error)
    }
    let run = try GroupedRun(self, x)
    return Array(try run.outputs(x).prefix(x.outputCount))
  }
}

extension Array {
  fileprivate subscript(safe i: Int) -> Element? { indices.contains(i) ? self[i] : nil }
}

/// One run on checked sizes.
private struct GroupedRun {
  private let op: GroupQueryAttention
  private let dtype: DType
  private let (batch, length, size, past, total): (Int, Int, Int, Int, Int)
  /// Each item's keys.
  private let lengths: [Int]

  init(_ op: GroupQueryAttention, _ x: Operands) throws(ComputeError) {
    self.op = op
    let query = try x.tensor(0)
    dtype = query.dtype
    (batch, length) = (query.shape[0], query.shape[1])
    size = query.shape[2] / (x.has(1) ? op.heads : op.heads + 2 * op.keyHeads)
    let cache = x.optional(3)?.shape ?? [batch, op.keyHeads, 0, size]
    let total = try x.integer(6)
    guard cache.count == 4, cache == [batch, op.keyHeads, cache[2], size],
      x.optional(4).map({ $0.shape == cache }) ?? true, total >= length, total <= 1 << 24
    else { throw ComputeError("the past does not fit, or total_sequence_length is \(total)") }
    let before = try x.integers(5)
    guard before.count == batch, before.allSatisfy({ $0 >= 0 && $0 < total }) else {
      throw ComputeError("seqlens_k does not fit a batch of \(batch) and \(total) keys")
    }
    (past, self.total) = (cache[2], total)
    lengths = before.map { $0 + 1 }
  }

  /// Keys of an item before the present ones; a first prompt has none.
  private func start(_ item: Int) -> Int { Swift.max(0, lengths[item] - length) }

  func outputs(_ x: Operands) throws(ComputeError) -> [Tensor] {
    var (q, k, v) = try heads(x)
    if op.rotates {
      q = try rotated(q, op.heads, x)
      k = try rotated(k, op.keyHeads, x)
    }
    let space = Swift.max(total, past)
    let keys = joined(x.optional(3)?.doubles, k, space)
    let values = joined(x.optional(4)?.doubles, v, space)
    let bias = x.optional(10)
    let biasShape = bias?.shape ?? [1, 1, length, total]
    guard biasShape.count == 4, biasShape[2] == length, biasShape[3] >= total,
      biasShape[0] == 1 || biasShape[0] == batch, biasShape[1] == 1 || biasShape[1] == op.heads
    else { throw ComputeError("the attention bias does not fit") }
    let added = bias?.doubles
    let core = HeadAttention(
      batch: batch, queryHeads: op.heads, keyHeads: op.keyHeads, queries: length, keys: space,
      headSize: size, valueSize: size, q: q, k: keys, v: values,
      scale: op.scale == 0 ? 1 / Double(size).squareRoot() : Double(op.scale),
      softcap: Double(op.softcap),
      bias: { b, h, i, j in
        let position = start(b) + i
        guard j <= position, op.window < 0 || position - j < op.window else { return -.infinity }
        guard let added else { return 0 }
        let row = (biasShape[0] == 1 ? 0 : b) * biasShape[1] + (biasShape[1] == 1 ? 0 : h)
        return j < biasShape[3] ? added[(row * length + i) * biasShape[3] + j] : -.infinity
      }, sink: op.isSmooth ? { _ in 0 } : nil)
    let y = HeadAttention.joined(
      core.run().y, batch: batch, heads: op.heads, length: length, size: size)
    let cache = [batch, op.keyHeads, space, size]
    return [
      Tensor(dtype, [batch, length, op.heads * size], doubles: y),
      Tensor(dtype, cache, doubles: keys), Tensor(dtype, cache, doubles: values),
    ]
  }

  /// Query, key and value as `[B,heads,L,D]`.
  private func heads(_ x: Operands) throws(ComputeError) -> ([Double], [Double], [Double]) {
    let counts = [op.heads, op.keyHeads, op.keyHeads]
    var parts: [[Double]] = []
    if x.has(1) {
      for i in 0..<3 {
        let tensor = try x.tensor(i)
        guard tensor.shape == [batch, length, counts[i] * size] else {
          throw ComputeError("input \(i) does not have \(counts[i]) heads of \(size)")
        }
        parts.append(
          HeadAttention.split(
            tensor.doubles, batch: batch, length: length, heads: counts[i], size: size))
      }
    } else {
      let all = HeadAttention.split(
        try x.doubles(0), batch: batch, length: length, heads: counts.reduce(0, +), size: size)
      var first = 0
      for count in counts {
        var part: [Double] = []
        for item in 0..<batch {
          let start = (item * counts.reduce(0, +) + first) * length * size
          part += all[start..<(start + count * length * size)]
        }
        parts.append(part)
        first += count
      }
    }
    return (parts[0], parts[1], parts[2])
  }

  private func rotated(
    _ values: [Double], _ heads: Int, _ x: Operands
  ) throws(ComputeError) -> [Double] {
    var rotation = RotaryEmbedding()
    rotation.isInterleaved = op.isInterleaved
    rotation.rotated = 2 * (try x.shape(7).last ?? 0)
    let positions =
      try x.optional(9).map { tensor throws(ComputeError) in tensor.integers ?? [] }
      ?? (0..<(batch * length)).map { start($0 / length) + $0 % length }
    guard positions.count == batch * length else { throw ComputeError("position_ids do not fit") }
    let made = try rotation.compute(
      Operands([
        Tensor(values, shape: [batch, heads, length, size]), try x.tensor(7), try x.tensor(8),
        Tensor(.int64, [batch, length], integers: positions),
      ]))
    return made[0].doubles
  }

  /// The past with the present ones at their places, 0 where nothing is.
  private func joined(_ before: [Double]?, _ now: [Double], _ space: Int) -> [Double] {
    var result = [Double](repeating: 0, count: batch * op.keyHeads * space * size)
    for row in 0..<(batch * op.keyHeads) {
      if let before {
        for i in 0..<(past * size) {
          result[row * space * size + i] = before[row * past * size + i]
        }
      }
      let first = start(row / op.keyHeads)
      for i in 0..<(length * size) {
        result[(row * space + first) * size + i] = now[row * length * size + i]
      }
    }
    return result
  }
}
