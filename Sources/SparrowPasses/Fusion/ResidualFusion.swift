import SparrowCore

/// Lets a convolution add the other operand of the Add after it: a residual network's shortcut.
///
/// The convolution moves to the place of the Add, where both operands exist. Of two convolutions the
/// later one takes the other's output.
public struct ResidualFusion: Pass {
  public static let name = "residual-fusion"

  public init() {}

  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    let shapes = graph.shapesWithNamedUnknowns()
    return graph.rewriteNodes(limit: limit) { i, rewriter in rewrite(i, &rewriter, shapes) }
  }

  // Pattern: add(conv(x, W, b), y) -> conv(x, W, b, y) when y has the shape of the result
  private func rewrite(
    _ i: Int, _ rewriter: inout Rewriter, _ shapes: [[Dimension]?]
  ) -> Bool {
    let node = rewriter.node(i)
    guard case .binary(let add) = node.op, add.function == .add, let a = node.input(0),
      let b = node.input(1), a != b, rewriter.constant(a) == nil, rewriter.constant(b) == nil,
      let shape = shapes[a.index], shape == shapes[b.index]
    else { return false }
    let candidates = [(a, b), (b, a)].compactMap { (y, addend) in
      rewriter.maker(y).map { (conv: $0, y: y, addend: addend) }
    }
    for (conv, y, addend) in candidates.sorted(by: { $0.conv > $1.conv }) {
      let before = rewriter.node(conv)
      guard case .conv(var op) = before.op, op.activation == .none, before.input(3) == nil,
        rewriter.isPrivate(y), rewriter.isFloat32(y)
      else { continue }
      op.activation = add.activation
      let inputs = [before.input(0), before.input(1), before.input(2), addend]
      rewriter.replace(i, .conv(op), inputs, name: before.name)
      return true
    }
    return false
  }
}

extension Graph {
  /// The shape of each value, where each unknown length got a name of its own, so that equal shapes
  /// are equal for certain even where lengths are not known: an elementwise operator or a padded
  /// convolution passes the names on. nil where the rank is unknown.
  func shapesWithNamedUnknowns() -> [[Dimension]?] {
    var graph = self
    for i in graph.values.indices { graph.nameUnknowns(ValueID(i)) }
    for node in graph.nodes {
      guard let types = try? graph.inferredTypes(of: node) else { continue }
      for (id, type) in zip(node.outputs, types) {
        // What was inferred with names wins over what is known; a known length always wins.
        guard let old = graph[id].type?.dimensions, let new = type.dimensions,
          old.count == new.count
        else { continue }
        graph[id].type?.dimensions = zip(old, new).map { before, after in
          if before.value != nil || after == .unknown { return before }
          return after
        }
      }
    }
    return graph.values.map { $0.type?.dimensions }
  }

  private mutating func nameUnknowns(_ id: ValueID) {
    guard let dimensions = self[id].type?.dimensions else { return }
    self[id].type?.dimensions = dimensions.enumerated().map { axis, dimension in
      // A space cannot come from elsewhere: names in models are ours to avoid, not to trust.
      dimension == .unknown ? .symbol("unknown \(id.index) \(axis)") : dimension
    }
  }
}
