import SparrowCore

/// Recognises layer normalisation over the last axis where an exporter spelled it out.
/// (Ba, Kiros and Hinton 2016, Layer Normalization.)
public struct LayerNormRecognition: Pass {
  public static let name = "layer-norm-recognition"

  public init() {}

  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    graph.rewriteNodes(limit: limit) { i, rewriter in
      recognizeScaled(i, &rewriter) || recognizeBias(i, &rewriter)
    }
  }

  /// What the pattern found: the normalised value, the added epsilon, and every node but the last.
  private struct Match {
    var x: ValueID
    var epsilon: Float
    var nodes: Set<Int>
  }

  // Pattern: c = x - mean(x); mul(c / sqrt(mean(c * c) + e), g) -> layerNormalization(x, g)
  //          c * c may be pow(c, 2), and the division c * reciprocal(...)
  private func recognizeScaled(_ i: Int, _ rewriter: inout Rewriter) -> Bool {
    let node = rewriter.node(i)
    guard rewriter.binary(i) == .mul else { return false }
    for (normal, gamma) in [(0, 1), (1, 0)] {
      guard let match = normalized(node.input(normal), rewriter),
        let scale = vector(node.input(gamma), along: match.x, rewriter),
        rewriter.isClosed(match.nodes, last: i)
      else { continue }
      let scaleID = vectorValue(scale, for: node.input(gamma), of: i, &rewriter)
      let op = LayerNormalization(axis: -1, epsilon: match.epsilon)
      rewriter.replace(i, .layerNormalization(op), [match.x, scaleID])
      return true
    }
    return false
  }

  // Pattern: add(layerNormalization(x, g), b) -> layerNormalization(x, g, b)
  private func recognizeBias(_ i: Int, _ rewriter: inout Rewriter) -> Bool {
    let node = rewriter.node(i)
    guard rewriter.binary(i) == .add else { return false }
    for (normal, beta) in [(0, 1), (1, 0)] {
      guard let y = node.input(normal), let maker = rewriter.maker(y), rewriter.isPrivate(y) else {
        continue
      }
      let before = rewriter.node(maker)
      guard case .layerNormalization(let op) = before.op, op.axis == -1, before.input(2) == nil,
        let x = before.input(0), let bias = vector(node.input(beta), along: x, rewriter)
      else { continue }
      let biasID = vectorValue(bias, for: node.input(beta), of: i, &rewriter)
      rewriter.replace(i, before.op, [x, before.input(1), biasID])
      return true
    }
    return false
  }

  /// `id` as c / sqrt(mean(c * c) + e) of some x.
  private func normalized(_ id: ValueID?, _ rewriter: Rewriter) -> Match? {
    guard let last = rewriter.maker(id) else { return nil }
    let node = rewriter.node(last)
    var nodes: Set<Int> = [last]
    var divided: [(ValueID?, ValueID?)] = []
    if rewriter.binary(last) == .div {
      divided = [(node.input(0), node.input(1))]
    } else if rewriter.binary(last) == .mul {
      for (c, inverse) in [(0, 1), (1, 0)] {
        guard let i = rewriter.maker(node.input(inverse)),
          rewriter.unary(i)?.function == .reciprocal
        else { continue }
        nodes.insert(i)
        divided.append((node.input(c), rewriter.node(i).input(0)))
      }
    }
    for (c, deviation) in divided {
      guard let (x, centering) = centered(c, rewriter), let c,
        let (epsilon, spreading) = standardDeviation(deviation, of: c, rewriter)
      else { continue }
      return Match(x: x, epsilon: epsilon, nodes: nodes.union(centering).union(spreading))
    }
    return nil
  }

  /// `id` as x - mean(x).
  private func centered(_ id: ValueID?, _ rewriter: Rewriter) -> (x: ValueID, nodes: Set<Int>)? {
    guard let sub = rewriter.maker(id, .sub), let x = rewriter.node(sub).input(0),
      rewriter.isFloat32(x), let mean = lastAxisMean(rewriter.node(sub).input(1), rewriter),
      rewriter.node(mean).input(0) == x
    else { return nil }
    return (x, [sub, mean])
  }

  /// `id` as sqrt(mean(c * c) + e).
  private func standardDeviation(
    _ id: ValueID?, of c: ValueID, _ rewriter: Rewriter
  ) -> (epsilon: Float, nodes: Set<Int>)? {
    guard let root = rewriter.maker(id), rewriter.unary(root)?.function == .sqrt,
      let sum = rewriter.maker(rewriter.node(root).input(0)),
      let (variance, epsilon) = rewriter.sum(sum), epsilon >= 0,
      let mean = lastAxisMean(variance, rewriter),
      let square = rewriter.maker(rewriter.node(mean).input(0))
    else { return nil }
    let node = rewriter.node(square)
    let isSquare =
      (rewriter.binary(square) == .mul && node.inputs == [c, c])
      || (rewriter.binary(square) == .pow && node.input(0) == c
        && rewriter.scalar(node.input(1)) == 2)
    return isSquare ? (Float(epsilon), [root, sum, mean, square]) : nil
  }

  /// The node where `id` is a mean over the last axis that keeps it as length 1.
  private func lastAxisMean(_ id: ValueID?, _ rewriter: Rewriter) -> Int? {
    guard let i = rewriter.maker(id), case .reduce(let op) = rewriter.node(i).op,
      op.kind == .mean, op.keepsDimensions, let x = rewriter.node(i).input(0),
      let axes = rewriter.constant(rewriter.node(i).input(1))?.integers, axes.count == 1
    else { return nil }
    if axes[0] == -1 { return i }
    return rewriter.rank(x) == axes[0] + 1 ? i : nil
  }

  /// The value that holds `vector`: `id` itself where it has that shape already.
  private func vectorValue(
    _ vector: Tensor, for id: ValueID?, of i: Int, _ rewriter: inout Rewriter
  ) -> ValueID {
    if let id, rewriter.constant(id)?.rank == 1 { return id }
    return rewriter.setConstant(id, of: i, to: vector, name: rewriter.node(i).name)
  }

  /// A float32 constant along the last axis of x, as a vector of that length.
  private func vector(_ id: ValueID?, along x: ValueID, _ rewriter: Rewriter) -> Tensor? {
    guard let tensor = rewriter.constant(id), tensor.dtype == .float32,
      let shape = rewriter.type(x)?.dimensions, let length = shape.last?.value,
      tensor.rank >= 1, tensor.rank <= shape.count, tensor.shape.last == length,
      tensor.count == length
    else { return nil }
    return tensor.rank == 1 ? tensor : tensor.dense().reshaped([length])
  }
}
