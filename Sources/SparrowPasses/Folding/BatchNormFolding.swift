import SparrowCore

/// Folds batch normalisation in inference mode into the convolution or matrix product before it.
///
/// With the stored mean m, variance v, scale g and bias b, `g * (x - m) / sqrt(v + e) + b` is a
/// multiplication and an addition per channel. The weight keeps its zeros and its kind of storage;
/// a dense one of mostly zeros becomes a bitmask.
public struct BatchNormFolding: Pass {
  public static let name = "batch-norm-folding"

  public init() {}

  public func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
    graph.rewriteNodes(limit: limit, rewrite)
  }

  // Pattern: batchNormalization(conv(x, W, b), g, b', m, v) -> conv(x, W * s, (b - m) * s + b')
  //          with s = g / sqrt(v + epsilon); the same for ConvTranspose, Gemm and MatMul
  private func rewrite(_ i: Int, _ rewriter: inout Rewriter) -> Bool {
    let node = rewriter.node(i)
    guard case .batchNormalization(let op) = node.op, !op.isTraining,
      let producer = rewriter.maker(node.input(0)),
      let (channels, axis) = rewriter.outputChannels(of: producer),
      // Channels are axis 1: for a matrix product that is the last axis of a matrix only.
      axis > 0 || rewriter.rank(rewriter.node(producer).outputs[0]) == 2,
      let affine = affine(op, node, channels, rewriter)
    else { return false }
    return rewriter.fold(affine, into: producer, last: i)
  }

  private func affine(
    _ op: BatchNormalization, _ node: Node, _ channels: Int, _ rewriter: Rewriter
  ) -> ChannelAffine? {
    var parameters: [[Double]] = []
    for k in 1...4 {
      guard let tensor = rewriter.constant(node.input(k)), tensor.dtype == .float32,
        tensor.count == channels
      else { return nil }
      parameters.append(tensor.array(of: Float.self).map { Double($0) })
    }
    var scale: [Double] = []
    var shift: [Double] = []
    for c in 0..<channels {
      let deviation = (parameters[3][c] + Double(op.epsilon)).squareRoot()
      guard deviation > 0, deviation.isFinite else { return nil }
      scale.append(parameters[0][c] / deviation)
      shift.append(parameters[1][c] - parameters[2][c] * scale[c])
    }
    return ChannelAffine(scale: scale, shift: shift)
  }
}
