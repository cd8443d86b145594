/// ONNX Attention: softmax(scale Q K' + mask) V for every head.
///
/// Inputs: Q, K, V, mask?, past_key?, past_value?, nonpad_kv_seqlen? (int64 `[B]`). Outputs: Y,
/// present_key?, present_value?, the scores? as ``scores`` says.
///
/// Q `[B,N,L,D]`, K `[B,M,S,D]`, V `[B,M,S,E]`, or all of rank 3 with heads and their elements in the
/// last axis. N is a multiple of M: neighbouring query heads share keys and values.
public struct Attention: Operator {
  public var isCausal = false
  public var queryHeads: Int?
  public var keyHeads: Int?
  /// Output 3: 0 the scores, 1 after the soft cap, 2 after the mask too, 3 after the softmax.
  public var scores = 0
  /// nil: 1 / sqrt(D).
  public var scale: Float?
  /// Scores become `softcap * tanh(score / softcap)` before the mask; 0 for no cap.
  public var softcap: Float = 0
  /// The type of the softmax as ONNX's code. Sparrow computes it in float32 or wider in any case.
  public var softmaxPrecision: Int?
  /// Keys farther away from a query than that are masked; nil or -1: none.
  public var leftWindow: Int?
  public var rightWindow: Int?

  public init() {}
  public var name: String { "Attention" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 3...7 }
  public var opset: Int { leftWindow == nil && rightWindow == nil ? 24 : 25 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("is_causal", &isCausal)
    try visitor.visit("q_num_heads", &queryHeads)
    try visitor.visit("kv_num_heads", &keyHeads)
    try visitor.visit("qk_matmul_output_mode", &scores)
    try visitor.visit("scale", &scale)
    try visitor.visit("softcap", &softcap)
    try visitor.visit("softmax_precision", &softmaxPrecision)
    try visitor.visit("left_window_size", &leftWindow)
    try visitor.visit("right_window_size", &rightWindow)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let (q, v) = (try context.type(0), try context.type(2))
    let sizes = try AttentionDimensions(self, context)
    let rank = q.dimensions?.count
    var y: [Dimension]?
    if rank == 4 { y = [sizes.batch, sizes.queryHeads, sizes.queries, sizes.valueSize] }
    if rank == 3 {
      let hidden = ShapeRules.product([sizes.queryHeads, sizes.valueSize])
      y = [sizes.batch, sizes.queries, hidden]
    }
    let cache = [sizes.batch, sizes.keyHeads, sizes.allKeys]
    let all = [
      TensorType(q.dtype, y), TensorType(q.dtype, cache + [sizes.headSize]),
      TensorType(v.dtype, cache + [sizes.valueSize]),
      TensorType(q.dtype, [sizes.batch, sizes.queryHeads, sizes.queries, sizes.allKeys]),
    ]
    return Array(all.prefix(context.outputCount))
  }
}

/// What is known of an attention's sizes.
struct AttentionDimensions {
  var (batch, queries, keys, past) = (
    Dimension.unknown, Dimension.unknown, Dimension.unknown, Dimension.known(0)
  )
  var (queryHeads, keyHeads, headSize, valueSize) = (
    Dimension.unknown, Dimension.unknown, Dimension.unknown, Dimension.unknown
  )

  /// Past and present ones.
  var allKeys: Dimension {
    if past == .known(0) { return keys }
    guard let a = past.value, let b = keys.value else { return .unknown }
    return .known(a + b)
  }

  init(_ op: Attention, _ context: InferenceContext) throws(InferenceError) {
    for i in 0..<3 {
      guard let dimensions = try context.dimensions(i) else { continue }
      guard dimensions.count == 3 || dimensions.count == 4 else {
        throw InferenceError("input \(i) has rank \(dimensions.count), expected 3 or 4")
      }
      if let first = try context.dimensions(0), first.count != dimensions.count {
        throw InferenceError("Q has rank \(first.count), input \(i) \(dimensions.count)")
      }
      try take(dimensions, i, heads: i == 0 ? op.queryHeads : op.keyHeads)
    }
    if let a = queryHeads.value, let b = keyHeads.value, b < 1 || a % b != 0 {
      throw InferenceError("\(a) query heads cannot share \(b) key heads")
    }
    guard context.has(4) == context.has(5) else {
      throw InferenceError("past_key and past_value must be given together")
    }
    for (i, size) in [(4, headSize), (5, valueSize)] where context.has(i) {
      past = i == 4 ? .unknown : past
      guard let dimensions = try context.dimensions(i) else { continue }
      try ShapeRules.require(rank: dimensions, 4...4, "input \(i)")
      for (a, b) in zip(dimensions, [batch, keyHeads, past, size]) {
        _ = try ShapeRules.unify(a, b, what: "sizes of the past and present")
      }
      past = dimensions[2]
    }
    if context.has(6), let lengths = try context.dimensions(6) {
      try ShapeRules.require(rank: lengths, 1...1, "nonpad_kv_seqlen")
      _ = try ShapeRules.unify(lengths[0], batch, what: "nonpad_kv_seqlen and the batch")
    }
    if context.has(3), let mask = try context.dimensions(3), mask.count > 4 || mask.isEmpty {
      throw InferenceError("the mask has rank \(mask.count), expected 1 to 4")
    }
  }

  private mutating func take(
    _ dimensions: [Dimension], _ i: Int, heads given: Int?
  ) throws(InferenceError) {
    // A name is known once it is seen.
    batch =
      batch == .unknown
      ? dimensions[0] : try ShapeRules.unify(batch, dimensions[0], what: "the batches")
    let length = dimensions[dimensions.count - 2]
    var (heads, size) = (dimensions[1], dimensions[dimensions.count - 1])
    if dimensions.count == 3 {
      guard let given, given > 0 else {
        throw InferenceError("inputs of rank 3 need q_num_heads and kv_num_heads")
      }
      heads = .known(given)
      if let all = size.value, all % given != 0 {
        throw InferenceError("\(all) elements do not divide into \(given) heads")
      }
      size = size.value.map { .known($0 / given) } ?? .unknown
    }
    switch i {
    case 0:
      (queryHeads, queries, headSize) = (
        heads, dimensions.count == 3 ? dimensions[1] : length, size
      )
    case 1:
      (keyHeads, keys) = (heads, length)
      headSize = try ShapeRules.unify(headSize, size, what: "the head sizes of Q and K")
    default:
      keyHeads = try ShapeRules.unify(keyHeads, heads, what: "the heads of K and V")
      keys = try ShapeRules.unify(keys, length, what: "the lengths of K and V")
      valueSize = size
    }
  }
}
