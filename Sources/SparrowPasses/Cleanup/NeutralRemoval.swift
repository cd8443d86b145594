import SparrowCore

/// Removes nodes that give their input back unchanged because of their constants and types: adding
/// 0, a Reshape to the present shape, a Cast to the present type, and so on.
///
/// Only scalar operands count: a vector of ones is a parameter that training may change, and part of
/// patterns such as layer normalisation.
public struct NeutralRemoval: Pass {
  public static let name = "neutral-removal"

  public init() {}

  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    graph.rewriteNodes(limit: limit, rewrite)
  }

  private func rewrite(_ i: Int, _ rewriter: inout Rewriter) -> Bool {
    let node = rewriter.node(i)
    guard node.outputs.count == 1, let x = passedOn(by: node, rewriter) else { return false }
    return rewriter.replaceUses(of: node.outputs[0], with: x)
  }

  /// The input that the node gives back unchanged.
  private func passedOn(by node: Node, _ rewriter: Rewriter) -> ValueID? {
    guard let x = node.input(0) else { return nil }
    let y = node.outputs[0]
    switch node.op {
    case .binary(let op): return op.activation == .none ? operand(op.function, node, rewriter) : nil
    // Pattern: cast(x) -> x when x has that type already
    case .cast(let op): return rewriter.type(x)?.dtype == op.to ? x : nil
    // Pattern: reshape(x), flatten(x), expand(x) -> x when the shape stays
    case .reshape, .flatten, .expand: return rewriter.haveEqualShapes(x, y) ? x : nil
    // Pattern: squeeze(x), unsqueeze(x) -> x when no axis comes or goes
    case .squeeze, .unsqueeze: return rewriter.haveEqualShapes(x, y) ? x : nil
    // Pattern: transpose(x, perm=[0,1,...]) -> x
    case .transpose(let op):
      guard let rank = rewriter.rank(x), let order = try? op.resolved(rank: rank) else {
        return nil
      }
      return order == Array(0..<rank) ? x : nil
    // Pattern: pad(x, [0, 0, ...]) -> x
    case .pad:
      guard let pads = rewriter.constant(node.input(1))?.integers else { return nil }
      return pads.allSatisfy { $0 == 0 } ? x : nil
    // Pattern: clip(x) -> x without bounds
    case .clip: return node.inputs.count == 1 ? x : nil
    // Pattern: concat(x) -> x, split(x) -> x
    case .concat: return node.inputs.count == 1 ? x : nil
    case .split: return rewriter.haveEqualShapes(x, y) ? x : nil
    case .slice: return slicesAll(node, x, rewriter) ? x : nil
    // Pattern: resize(x, scales=[1,1,...]) -> x
    case .resize(let op):
      guard node.input(3) == nil, op.coordinates != .cropAndResize,
        let scales = rewriter.constant(node.input(2))?.floats
      else {
        return nil
      }
      return !scales.isEmpty && scales.allSatisfy { $0 == 1 } ? x : nil
    default: return nil
    }
  }

  // Pattern: add(x, 0), sub(x, 0), mul(x, 1), div(x, 1), pow(x, 1) -> x
  // Pattern: max(x, -inf), min(x, inf) -> x
  private func operand(
    _ function: Binary.Function, _ node: Node, _ rewriter: Rewriter
  ) -> ValueID? {
    guard let a = node.input(0), let b = node.input(1) else { return nil }
    let neutral: Double
    var commutes = true
    switch function {
    case .add: neutral = 0
    case .mul: neutral = 1
    case .max: neutral = -Double.infinity
    case .min: neutral = Double.infinity
    case .sub: (neutral, commutes) = (0, false)
    case .div, .pow: (neutral, commutes) = (1, false)
    case .and, .bitwiseAnd, .bitwiseOr, .bitwiseXor, .equal, .greater, .greaterOrEqual, .less,
      .lessOrEqual, .or, .prelu, .xor:
      return nil
    }
    if equals(rewriter.constant(b), neutral, besides: a, rewriter) { return a }
    if commutes, equals(rewriter.constant(a), neutral, besides: b, rewriter) { return b }
    return nil
  }

  private func equals(
    _ constant: Tensor?, _ value: Double, besides x: ValueID, _ rewriter: Rewriter
  ) -> Bool {
    guard let constant else { return false }
    return constant.scalarDouble == value && rewriter.broadcasts(constant, into: x)
  }

  // Pattern: slice(x, starts=[0,...], ends=[all,...], steps=[1,...]) -> x
  private func slicesAll(_ node: Node, _ x: ValueID, _ rewriter: Rewriter) -> Bool {
    guard let starts = rewriter.constant(node.input(1))?.integers,
      let ends = rewriter.constant(node.input(2))?.integers, starts.count == ends.count
    else { return false }
    if let id = node.input(4) {
      guard let steps = rewriter.constant(id)?.integers, steps.allSatisfy({ $0 == 1 }) else {
        return false
      }
    }
    guard starts.allSatisfy({ $0 == 0 }) else { return false }
    // Exporters write "to the end" as the largest int32 or int64; no axis is that long.
    if ends.allSatisfy({ $0 >= Int(Int32.max) }) { return true }
    return rewriter.type(x)?.shape != nil && rewriter.haveEqualShapes(x, node.outputs[0])
  }
}
