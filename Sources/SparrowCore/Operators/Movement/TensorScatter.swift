/// ONNX TensorScatter: writes new entries into a cache, batch by batch at positions of their own.
/// Inputs: past cache `[batch, ..., length, ...]`, update (the same but along `axis`), write indices?
/// `[batch]` (0 where left out).
public struct TensorScatter: Operator {
  public enum Mode: AttributeChoice {
    case linear, circular
    public var name: String { self == .linear ? "linear" : "circular" }
  }

  public var axis = -2
  /// Circular: positions past the end start again at the beginning.
  public var mode = Mode.linear

  public init() {}
  public var name: String { "TensorScatter" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...3 }
  public var opset: Int { 24 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("axis", &axis)
    try visitor.visit("mode", &mode)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let cache = try context.type(0)
    let update = try context.dimensions(1)
    try ShapeRules.requireEqualRanks(cache.dimensions, update, "past_cache and update")
    guard let dimensions = cache.dimensions, let update else { return [cache] }
    let axis = try ShapeRules.axis(axis, rank: dimensions.count)
    guard axis != 0 else { throw InferenceError("axis is 0, the batch") }
    for i in dimensions.indices where i != axis {
      _ = try ShapeRules.unify(
        dimensions[i], update[i], what: "axis \(i) of past_cache and update")
    }
    return [cache]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let (cache, update) = (try x.tensor(0), try x.tensor(1))
    let axis = try ShapeRules.concreteAxis(axis, rank: cache.rank)
    let (old, new) = (AxisView(cache.shape, axis: axis), AxisView(update.shape, axis: axis))
    let batch = cache.shape[0]
    let starts = x.has(2) ? try x.integers(2) : [Int](repeating: 0, count: batch)
    guard starts.count == batch else {
      throw ComputeError("write_indices has \(starts.count) entries, expected \(batch)")
    }
    var words = cache.words
    let source = update.words
    for outer in 0..<old.outer {
      let start = starts[outer * batch / old.outer]
      for i in 0..<new.length {
        let position = try place(start, i, length: old.length)
        let (to, from) = ((outer * old.length + position), (outer * new.length + i))
        for k in 0..<old.inner { words[to * old.inner + k] = source[from * old.inner + k] }
      }
    }
    return [Tensor(cache.dtype, cache.shape, words: words)]
  }

  /// Where entry `i` of an update that starts at `start` goes.
  private func place(_ start: Int, _ i: Int, length: Int) throws(ComputeError) -> Int {
    guard start >= 0, start <= Int.max - i, length > 0 else {
      throw ComputeError("the write index \(start) lies outside an axis of length \(length)")
    }
    if mode == .circular { return (start + i) % length }
    guard start + i < length else {
      throw ComputeError("position \(start + i) lies outside an axis of length \(length)")
    }
    return start + i
  }
}
