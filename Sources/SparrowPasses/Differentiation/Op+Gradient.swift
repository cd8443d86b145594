import SparrowCore

extension Op {
  /// The gradients of a node's inputs, one an input; nil for those that are not wanted or are zero.
  ///
  /// To add a rule, write it in a file of `Rules/` beside its family, and move the operator's case here.
  func inputGradients(
    _ n: NodeGradient, _ b: inout GradientBuilder
  ) throws(DifferentiationError) -> [ValueID?] {
    switch self {
    case .batchNormalization(let op): try op.inputGradients(n, &b)
    case .binary(let op): try op.inputGradients(n, &b)
    case .cast(let op): try op.inputGradients(n, &b)
    case .clip(let op): try op.inputGradients(n, &b)
    case .concat(let op): try op.inputGradients(n, &b)
    case .conv(let op): try op.inputGradients(n, &b)
    case .convTranspose(let op): try op.inputGradients(n, &b)
    case .expand(let op): try op.inputGradients(n, &b)
    case .flatten, .reshape, .squeeze, .unsqueeze:
      [try b.reshape(try n.output(), like: try n.input(0))]
    case .gather(let op): try op.inputGradients(n, &b)
    case .gatherElements(let op): try op.inputGradients(n, &b)
    case .gemm(let op): try op.inputGradients(n, &b)
    case .globalPool(let op): try op.inputGradients(n, &b)
    case .identity: [try n.output()]
    case .layerNormalization(let op): try op.inputGradients(n, &b)
    case .masked(let op): try op.inputGradients(n, &b)
    case .matMul(let op): try op.inputGradients(n, &b)
    case .negativeLogLikelihoodLoss(let op): try op.inputGradients(n, &b)
    case .pad(let op): try op.inputGradients(n, &b)
    case .pool(let op): try op.inputGradients(n, &b)
    case .reduce(let op): try op.inputGradients(n, &b)
    case .rmsNormalization(let op): try op.inputGradients(n, &b)
    case .slice(let op): try op.inputGradients(n, &b)
    case .softmax(let op): try op.inputGradients(n, &b)
    case .softmaxCrossEntropyLoss(let op): try op.inputGradients(n, &b)
    case .split(let op): try op.inputGradients(n, &b)
    case .transpose(let op): try op.inputGradients(n, &b)
    case .trilu(let op): [try b.add(.trilu(op), try n.output(), n.node.input(1))]
    case .unary(let op): try op.inputGradients(n, &b)
    case .where(let op): try op.inputGradients(n, &b)
    case .affineGrid, .argExtreme, .attention, .batchNormalizationGradient, .bernoulli, .bitCast,
      .bitShift,
      .causalConvWithState, .centerCropPad, .col2Im, .compress, .constantOfShape,
      .convWeightGradient, .cosineWindow, .cumulative, .deformConv, .depthToSpace,
      .dequantizeLinear, .det, .dft, .dynamicQuantizeLinear, .einsum, .eyeLike, .gatherND,
      .globalLpPool, .gridSample, .groupNormalization, .groupQueryAttention, .hardmax, .if,
      .integerConvolution, .integerProduct, .isInf, .labelEncoder, .linearAttention, .loop,
      .lpNormalization, .lpPool, .lrn, .matMulNBits, .maxPoolGradient, .maxRoiPool, .maxUnpool,
      .meanVarianceNormalization, .melWeightMatrix, .mod, .multinomial, .nonMaxSuppression,
      .nonZero, .oneHot, .quantizeLinear, .randomNumbers, .range, .recurrent, .resize,
      .reverseSequence, .roiAlign, .rotaryEmbedding, .scan, .scatterElements, .scatterND,
      .shapeOf, .sizeOf, .spaceToDepth, .stft, .tensorScatter, .tfIdfVectorizer, .tile, .topK,
      .treeEnsemble, .unique:
      throw .noRule(node: n.node.label)
    }
  }
}
