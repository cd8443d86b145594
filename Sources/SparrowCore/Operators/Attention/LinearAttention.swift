/// ONNX LinearAttention: a recurrence over positions with one matrix a head as its state.
///
/// Inputs: query `[B,T,N*D]`, key `[B,T,M*D]`, value `[B,T,M*E]`, past_state? `[B,M,D,E]`, decay?
/// `[B,T,M]` or `[B,T,M*D]` (logarithms), beta? `[B,T,M]` or `[B,T,1]`. Outputs: `[B,T,N*E]` and the
/// state after the last position. N is a multiple of M.
public struct LinearAttention: Operator {
  public enum Rule: AttributeChoice {
    case linear, gated, delta, gatedDelta
    public var name: String {
      switch self {
      case .linear: "linear"
      case .gated: "gated"
      case .delta: "delta"
      case .gatedDelta: "gated_delta"
      }
    }
    /// The state decays.
    var isGated: Bool { self == .gated || self == .gatedDelta }
    /// Values lose what the state has of them already.
    var isDelta: Bool { self == .delta || self == .gatedDelta }
  }

  public var queryHeads = 1
  public var keyHeads = 1
  /// 0: 1 / sqrt(D).
  public var scale: Float = 0
  public var rule = Rule.gatedDelta
  /// Positions that an implementation may take together; the result does not depend on it.
  public var chunk = 64

  public init() {}
  public var name: String { "LinearAttention" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 3...6 }
  public var opset: Int { 27 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("q_num_heads", &queryHeads)
    try visitor.visit("kv_num_heads", &keyHeads)
    try visitor.visit("scale", &scale)
    try visitor.visit("update_rule", &rule)
    try visitor.visit("chunk_size", &chunk)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    guard keyHeads > 0, queryHeads > 0, queryHeads % keyHeads == 0 else {
      throw InferenceError("\(queryHeads) query heads cannot share \(keyHeads) key heads")
    }
    guard context.has(4) == rule.isGated, context.has(5) == rule.isDelta else {
      throw InferenceError("decay or beta is given or missing against rule '\(rule.name)'")
    }
    let query = try context.type(0)
    let q = query.dimensions ?? [.unknown, .unknown, .unknown]
    let k = try context.dimensions(1) ?? [.unknown, .unknown, .unknown]
    let v = try context.dimensions(2) ?? [.unknown, .unknown, .unknown]
    for (i, x) in [q, k, v].enumerated() { try ShapeRules.require(rank: x, 3...3, "input \(i)") }
    var batch = q[0]
    var length = q[1]
    for x in [k, v] {
      batch = try ShapeRules.unify(batch, x[0], what: "the batches")
      length = try ShapeRules.unify(length, x[1], what: "the lengths")
    }
    let (d, e) = (try size(k[2], keyHeads), try size(v[2], keyHeads))
    _ = try ShapeRules.unify(d, try size(q[2], queryHeads), what: "the head sizes")
    let state = [batch, .known(keyHeads), d, e]
    var stateType = query.dtype
    if context.has(3) {
      stateType = try context.type(3).dtype
      for (a, b) in zip(try context.dimensions(3) ?? state, state) {
        _ = try ShapeRules.unify(a, b, what: "sizes of past_state")
      }
    }
    let output = e.value.map { Dimension.known($0 * queryHeads) } ?? .unknown
    return Array(
      [TensorType(query.dtype, [batch, length, output]), TensorType(stateType, state)]
        .prefix(context.outputCount))
  }

  private func size(_ all: Dimension, _ heads: Int) throws(InferenceError) -> Dimension {
    guard let value = all.value else { return .unknown }
    guard value % heads == 0 else {
      throw InferenceError("\(value) elements do not divide into \(heads) heads")
    }
    return .known(value / heads)
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let types: [TensorType]
    do throws(InferenceError) {
      types = try inferTypes(
        InferenceContext(inputs: x.context.inputs, outputCount: 2))
    } catch {
      throw ComputeError(error)
    }
    let (q, k, v) = (try x.doubles(0), try x.doubles(1), try x.doubles(2))
    let shape = try x.shape(0)
    let (batch, length) = (shape[0], shape[1])
    let (d, e) = (try x.shape(1)[2] / keyHeads, try x.shape(2)[2] / keyHeads)
    let stateShape = [batch, keyHeads, d, e]
    var state = x.optional(3)?.doubles ?? [Double](repeating: 0, count: stateShape.elementCount)
    let decay = x.optional(4)?.doubles ?? []
    let beta = x.optional(5)?.doubles ?? []
    let decays = batch * length == 0 ? 0 : decay.count / (batch * length)
    let betas = batch * length == 0 ? 0 : beta.count / (batch * length)
    guard [0, keyHeads, keyHeads * d].contains(decays), [0, 1, keyHeads].contains(betas) else {
      throw ComputeError("decay has \(decays) elements a position, beta \(betas)")
    }
    let factor = scale == 0 ? 1 / Double(d).squareRoot() : Double(scale)
    let shared = queryHeads / keyHeads
    var y = [Double](repeating: 0, count: batch * length * queryHeads * e)
    for b in 0..<batch {
      for t in b * length..<(b + 1) * length {
        for head in 0..<keyHeads {
          let matrix = (b * keyHeads + head) * d * e
          if rule.isGated {
            for i in 0..<d {
              let g = Math.exp(
                decay[t * decays + (decays == keyHeads ? head : head * d + i)])
              for j in 0..<e { state[matrix + i * e + j] *= g }
            }
          }
          for j in 0..<e {
            var value = v[(t * keyHeads + head) * e + j]
            if rule.isDelta {
              for i in 0..<d {
                value -= state[matrix + i * e + j] * k[(t * keyHeads + head) * d + i]
              }
              value *= beta[t * betas + (betas == 1 ? 0 : head)]
            }
            for i in 0..<d {
              state[matrix + i * e + j] += k[(t * keyHeads + head) * d + i] * value
            }
            for h in head * shared..<(head + 1) * shared {
              var sum = 0.0
              for i in 0..<d {
                sum += q[(t * queryHeads + h) * d + i] * state[matrix + i * e + j]
              }
              y[(t * queryHeads + h) * e + j] = factor * sum
            }
          }
        }
      }
    }
    let result = [
      Tensor(types[0].dtype, [batch, length, queryHeads * e], doubles: y),
      Tensor(types[1].dtype, stateShape, doubles: state),
    ]
    return Array(result.prefix(x.outputCount))
  }
}
