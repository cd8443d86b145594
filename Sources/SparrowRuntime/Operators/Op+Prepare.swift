import SparrowCore

extension Op {
  /// Turns a node into a step for the shapes, types and constants that `p` shows.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    // Preparations need not think of lengths of zero, but where sums of nothing come out.
    guard p.outputs.contains(where: { $0.shape.elementCount > 0 }) else {
      return Step(tasks: 0, kernel: "empty") { _ in }
    }
    guard widensHalfPrecision, p.hasHalfPrecision else { return try prepareExactly(&p) }
    return try p.widened { inner throws(RuntimeError) in try prepareExactly(&inner) }
  }

  private func prepareExactly(_ p: inout Preparation) throws(RuntimeError) -> Step {
    switch self {
    case .argExtreme(let op): try op.prepare(&p)
    case .attention(let op): try op.prepare(&p)
    case .batchNormalization(let op): try op.prepare(&p)
    case .batchNormalizationGradient(let op): try op.prepare(&p)
    case .binary(let op): try op.prepare(&p)
    case .cast(let op): try op.prepare(&p)
    case .clip(let op): try op.prepare(&p)
    case .concat(let op): try op.prepare(&p)
    case .constantOfShape(let op): try op.prepare(&p)
    case .conv(let op): try op.prepare(&p)
    case .convTranspose(let op): try op.prepare(&p)
    case .convWeightGradient(let op): try op.prepare(&p)
    case .depthToSpace(let op): try op.prepare(&p)
    case .dequantizeLinear(let op): try op.prepare(&p)
    case .expand(let op): try op.prepare(&p)
    case .einsum(let op): try op.prepare(&p)
    case .flatten, .reshape, .squeeze, .unsqueeze: try p.copyStep()
    case .gather(let op): try op.prepare(&p)
    case .gatherElements(let op): try op.prepare(&p)
    case .gatherND(let op): try op.prepare(&p)
    case .gemm(let op): try op.prepare(&p)
    case .globalPool(let op): try op.prepare(&p)
    case .groupNormalization(let op): try op.prepare(&p)
    case .identity: try p.outputs.count == 1 ? p.copyStep() : p.referenceStep(self)
    case .integerProduct(let op): try op.prepare(&p)
    case .layerNormalization(let op): try op.prepare(&p)
    case .lrn(let op): try op.prepare(&p)
    case .masked(let op): try op.prepare(&p)
    case .matMul(let op): try op.prepare(&p)
    case .matMulNBits(let op): try op.prepare(&p)
    case .maxPoolGradient(let op): try op.prepare(&p)
    case .pad(let op): try op.prepare(&p)
    case .pool(let op): try op.prepare(&p)
    case .quantizeLinear(let op): try op.prepare(&p)
    case .range(let op): try op.prepare(&p)
    case .recurrent(let op): try op.prepare(&p)
    case .reduce(let op): try op.prepare(&p)
    case .resize(let op): try op.prepare(&p)
    case .rotaryEmbedding(let op): try op.prepare(&p)
    case .scatterElements(let op): try op.prepare(&p)
    case .scatterND(let op): try op.prepare(&p)
    case .rmsNormalization(let op): try op.prepare(&p)
    case .shapeOf(let op): try op.prepare(&p)
    case .slice(let op): try op.prepare(&p)
    case .softmax(let op): try op.prepare(&p)
    case .spaceToDepth(let op): try op.prepare(&p)
    case .split(let op): try op.prepare(&p)
    case .tile(let op): try op.prepare(&p)
    case .transpose(let op): try op.prepare(&p)
    case .unary(let op): try op.prepare(&p)
    case .where(let op): try op.prepare(&p)
    default: p.referenceStep(self)
    }
  }
}
