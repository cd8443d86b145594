import SparrowCore

extension ChannelAnalysis {
  /// Binds or freezes what one node touches.
  mutating func visit(_ node: Node, _ index: Int) {
    switch node.op {
    case .conv(let op): visit(op, node, index)
    case .convTranspose(let op): visit(op, node, index)
    case .gemm(let op): visit(op, node, index)
    case .matMul: visitMatMul(node, index)
    case .binary, .bitShift, .mod, .unary, .clip, .cast, .identity, .isInf, .`where`:
      visitElementwise(node)
    case .batchNormalization(let op): visit(op, node)
    case .groupNormalization(let op): visit(op, node)
    case .layerNormalization(let op): visitNormalization(node, from: op.axis)
    case .rmsNormalization(let op): visitNormalization(node, from: op.axis)
    case .softmax(let op): visitRuns(node, along: op.axis)
    case .hardmax(let op): visitRuns(node, along: op.axis)
    case .cumulative: freeze(node)
    case .reduce(let op): visit(op, node)
    case .pool, .globalPool, .lpPool, .globalLpPool: visitPool(node)
    case .resize(let op): visit(op, node)
    case .pad: visitPad(node)
    case .concat(let op): visit(op, node)
    case .split(let op): visit(op, node)
    case .slice(let op): visit(op, node)
    case .gather(let op): visit(op, node, index)
    case .transpose(let op): visit(op, node)
    case .reshape(let op): visit(op, node)
    case .flatten, .squeeze, .unsqueeze: visitRegrouping(node)
    case .expand: visitExpand(node)
    case .shapeOf(let op): visit(op, node)
    case .affineGrid, .argExtreme, .attention, .batchNormalizationGradient, .bernoulli, .bitCast,
      .causalConvWithState,
      .convWeightGradient, .masked, .maxPoolGradient,
      .centerCropPad, .col2Im, .compress, .constantOfShape, .cosineWindow, .deformConv,
      .depthToSpace, .det, .dft, .einsum, .dequantizeLinear, .dynamicQuantizeLinear, .eyeLike,
      .gatherElements, .gatherND, .gridSample, .if, .groupQueryAttention, .integerConvolution,
      .integerProduct, .labelEncoder, .linearAttention, .loop, .lpNormalization, .lrn,
      .matMulNBits, .maxRoiPool, .maxUnpool, .meanVarianceNormalization, .melWeightMatrix,
      .multinomial, .negativeLogLikelihoodLoss, .nonMaxSuppression, .nonZero, .oneHot,
      .randomNumbers, .quantizeLinear, .range, .recurrent, .reverseSequence, .roiAlign,
      .rotaryEmbedding, .scan, .scatterElements, .scatterND, .sizeOf, .softmaxCrossEntropyLoss,
      .spaceToDepth, .stft, .tensorScatter, .tfIdfVectorizer, .tile, .topK, .treeEnsemble, .trilu,
      .unique:
      freeze(node)
    }
  }
}
