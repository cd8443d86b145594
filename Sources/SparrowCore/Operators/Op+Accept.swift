// Written by tools/generate-operators from the cases of `Op`.

extension Op {
  /// Shows the operator inside to `visitor`, which may change its attributes.
  public mutating func accept<V: OperatorVisitor>(
    _ visitor: inout V
  ) throws(V.Failure) -> V.Result {
    switch self {
    case .affineGrid(var op):
      defer { self = .affineGrid(op) }
      return try visitor.visit(&op)
    case .argExtreme(var op):
      defer { self = .argExtreme(op) }
      return try visitor.visit(&op)
    case .attention(var op):
      defer { self = .attention(op) }
      return try visitor.visit(&op)
    case .batchNormalization(var op):
      defer { self = .batchNormalization(op) }
      return try visitor.visit(&op)
    case .batchNormalizationGradient(var op):
      defer { self = .batchNormalizationGradient(op) }
      return try visitor.visit(&op)
    case .bernoulli(var op):
      defer { self = .bernoulli(op) }
      return try visitor.visit(&op)
    case .binary(var op):
      defer { self = .binary(op) }
      return try visitor.visit(&op)
    case .bitCast(var op):
      defer { self = .bitCast(op) }
      return try visitor.visit(&op)
    case .bitShift(var op):
      defer { self = .bitShift(op) }
      return try visitor.visit(&op)
    case .cast(var op):
      defer { self = .cast(op) }
      return try visitor.visit(&op)
    case .causalConvWithState(var op):
      defer { self = .causalConvWithState(op) }
      return try visitor.visit(&op)
    case .centerCropPad(var op):
      defer { self = .centerCropPad(op) }
      return try visitor.visit(&op)
    case .clip(var op):
      defer { self = .clip(op) }
      return try visitor.visit(&op)
    case .col2Im(var op):
      defer { self = .col2Im(op) }
      return try visitor.visit(&op)
    case .compress(var op):
      defer { self = .compress(op) }
      return try visitor.visit(&op)
    case .concat(var op):
      defer { self = .concat(op) }
      return try visitor.visit(&op)
    case .constantOfShape(var op):
      defer { self = .constantOfShape(op) }
      return try visitor.visit(&op)
    case .conv(var op):
      defer { self = .conv(op) }
      return try visitor.visit(&op)
    case .convTranspose(var op):
      defer { self = .convTranspose(op) }
      return try visitor.visit(&op)
    case .convWeightGradient(var op):
      defer { self = .convWeightGradient(op) }
      return try visitor.visit(&op)
    case .cosineWindow(var op):
      defer { self = .cosineWindow(op) }
      return try visitor.visit(&op)
    case .cumulative(var op):
      defer { self = .cumulative(op) }
      return try visitor.visit(&op)
    case .deformConv(var op):
      defer { self = .deformConv(op) }
      return try visitor.visit(&op)
    case .depthToSpace(var op):
      defer { self = .depthToSpace(op) }
      return try visitor.visit(&op)
    case .det(var op):
      defer { self = .det(op) }
      return try visitor.visit(&op)
    case .dft(var op):
      defer { self = .dft(op) }
      return try visitor.visit(&op)
    case .einsum(var op):
      defer { self = .einsum(op) }
      return try visitor.visit(&op)
    case .dequantizeLinear(var op):
      defer { self = .dequantizeLinear(op) }
      return try visitor.visit(&op)
    case .dynamicQuantizeLinear(var op):
      defer { self = .dynamicQuantizeLinear(op) }
      return try visitor.visit(&op)
    case .expand(var op):
      defer { self = .expand(op) }
      return try visitor.visit(&op)
    case .eyeLike(var op):
      defer { self = .eyeLike(op) }
      return try visitor.visit(&op)
    case .flatten(var op):
      defer { self = .flatten(op) }
      return try visitor.visit(&op)
    case .gather(var op):
      defer { self = .gather(op) }
      return try visitor.visit(&op)
    case .gatherElements(var op):
      defer { self = .gatherElements(op) }
      return try visitor.visit(&op)
    case .gatherND(var op):
      defer { self = .gatherND(op) }
      return try visitor.visit(&op)
    case .gemm(var op):
      defer { self = .gemm(op) }
      return try visitor.visit(&op)
    case .globalLpPool(var op):
      defer { self = .globalLpPool(op) }
      return try visitor.visit(&op)
    case .globalPool(var op):
      defer { self = .globalPool(op) }
      return try visitor.visit(&op)
    case .gridSample(var op):
      defer { self = .gridSample(op) }
      return try visitor.visit(&op)
    case .groupNormalization(var op):
      defer { self = .groupNormalization(op) }
      return try visitor.visit(&op)
    case .hardmax(var op):
      defer { self = .hardmax(op) }
      return try visitor.visit(&op)
    case .identity(var op):
      defer { self = .identity(op) }
      return try visitor.visit(&op)
    case .if(var op):
      defer { self = .if(op) }
      return try visitor.visit(&op)
    case .isInf(var op):
      defer { self = .isInf(op) }
      return try visitor.visit(&op)
    case .groupQueryAttention(var op):
      defer { self = .groupQueryAttention(op) }
      return try visitor.visit(&op)
    case .integerConvolution(var op):
      defer { self = .integerConvolution(op) }
      return try visitor.visit(&op)
    case .integerProduct(var op):
      defer { self = .integerProduct(op) }
      return try visitor.visit(&op)
    case .labelEncoder(var op):
      defer { self = .labelEncoder(op) }
      return try visitor.visit(&op)
    case .layerNormalization(var op):
      defer { self = .layerNormalization(op) }
      return try visitor.visit(&op)
    case .linearAttention(var op):
      defer { self = .linearAttention(op) }
      return try visitor.visit(&op)
    case .loop(var op):
      defer { self = .loop(op) }
      return try visitor.visit(&op)
    case .lpNormalization(var op):
      defer { self = .lpNormalization(op) }
      return try visitor.visit(&op)
    case .lpPool(var op):
      defer { self = .lpPool(op) }
      return try visitor.visit(&op)
    case .lrn(var op):
      defer { self = .lrn(op) }
      return try visitor.visit(&op)
    case .masked(var op):
      defer { self = .masked(op) }
      return try visitor.visit(&op)
    case .matMul(var op):
      defer { self = .matMul(op) }
      return try visitor.visit(&op)
    case .matMulNBits(var op):
      defer { self = .matMulNBits(op) }
      return try visitor.visit(&op)
    case .maxPoolGradient(var op):
      defer { self = .maxPoolGradient(op) }
      return try visitor.visit(&op)
    case .maxRoiPool(var op):
      defer { self = .maxRoiPool(op) }
      return try visitor.visit(&op)
    case .maxUnpool(var op):
      defer { self = .maxUnpool(op) }
      return try visitor.visit(&op)
    case .meanVarianceNormalization(var op):
      defer { self = .meanVarianceNormalization(op) }
      return try visitor.visit(&op)
    case .melWeightMatrix(var op):
      defer { self = .melWeightMatrix(op) }
      return try visitor.visit(&op)
    case .mod(var op):
      defer { self = .mod(op) }
      return try visitor.visit(&op)
    case .multinomial(var op):
      defer { self = .multinomial(op) }
      return try visitor.visit(&op)
    case .negativeLogLikelihoodLoss(var op):
      defer { self = .negativeLogLikelihoodLoss(op) }
      return try visitor.visit(&op)
    case .nonMaxSuppression(var op):
      defer { self = .nonMaxSuppression(op) }
      return try visitor.visit(&op)
    case .nonZero(var op):
      defer { self = .nonZero(op) }
      return try visitor.visit(&op)
    case .oneHot(var op):
      defer { self = .oneHot(op) }
      return try visitor.visit(&op)
    case .pad(var op):
      defer { self = .pad(op) }
      return try visitor.visit(&op)
    case .pool(var op):
      defer { self = .pool(op) }
      return try visitor.visit(&op)
    case .randomNumbers(var op):
      defer { self = .randomNumbers(op) }
      return try visitor.visit(&op)
    case .quantizeLinear(var op):
      defer { self = .quantizeLinear(op) }
      return try visitor.visit(&op)
    case .range(var op):
      defer { self = .range(op) }
      return try visitor.visit(&op)
    case .recurrent(var op):
      defer { self = .recurrent(op) }
      return try visitor.visit(&op)
    case .reduce(var op):
      defer { self = .reduce(op) }
      return try visitor.visit(&op)
    case .reshape(var op):
      defer { self = .reshape(op) }
      return try visitor.visit(&op)
    case .resize(var op):
      defer { self = .resize(op) }
      return try visitor.visit(&op)
    case .reverseSequence(var op):
      defer { self = .reverseSequence(op) }
      return try visitor.visit(&op)
    case .rmsNormalization(var op):
      defer { self = .rmsNormalization(op) }
      return try visitor.visit(&op)
    case .roiAlign(var op):
      defer { self = .roiAlign(op) }
      return try visitor.visit(&op)
    case .rotaryEmbedding(var op):
      defer { self = .rotaryEmbedding(op) }
      return try visitor.visit(&op)
    case .scan(var op):
      defer { self = .scan(op) }
      return try visitor.visit(&op)
    case .scatterElements(var op):
      defer { self = .scatterElements(op) }
      return try visitor.visit(&op)
    case .scatterND(var op):
      defer { self = .scatterND(op) }
      return try visitor.visit(&op)
    case .shapeOf(var op):
      defer { self = .shapeOf(op) }
      return try visitor.visit(&op)
    case .sizeOf(var op):
      defer { self = .sizeOf(op) }
      return try visitor.visit(&op)
    case .slice(var op):
      defer { self = .slice(op) }
      return try visitor.visit(&op)
    case .softmax(var op):
      defer { self = .softmax(op) }
      return try visitor.visit(&op)
    case .softmaxCrossEntropyLoss(var op):
      defer { self = .softmaxCrossEntropyLoss(op) }
      return try visitor.visit(&op)
    case .spaceToDepth(var op):
      defer { self = .spaceToDepth(op) }
      return try visitor.visit(&op)
    case .split(var op):
      defer { self = .split(op) }
      return try visitor.visit(&op)
    case .squeeze(var op):
      defer { self = .squeeze(op) }
      return try visitor.visit(&op)
    case .stft(var op):
      defer { self = .stft(op) }
      return try visitor.visit(&op)
    case .tensorScatter(var op):
      defer { self = .tensorScatter(op) }
      return try visitor.visit(&op)
    case .tfIdfVectorizer(var op):
      defer { self = .tfIdfVectorizer(op) }
      return try visitor.visit(&op)
    case .tile(var op):
      defer { self = .tile(op) }
      return try visitor.visit(&op)
    case .topK(var op):
      defer { self = .topK(op) }
      return try visitor.visit(&op)
    case .transpose(var op):
      defer { self = .transpose(op) }
      return try visitor.visit(&op)
    case .treeEnsemble(var op):
      defer { self = .treeEnsemble(op) }
      return try visitor.visit(&op)
    case .trilu(var op):
      defer { self = .trilu(op) }
      return try visitor.visit(&op)
    case .unary(var op):
      defer { self = .unary(op) }
      return try visitor.visit(&op)
    case .unique(var op):
      defer { self = .unique(op) }
      return try visitor.visit(&op)
    case .unsqueeze(var op):
      defer { self = .unsqueeze(op) }
      return try visitor.visit(&op)
    case .where(var op):
      defer { self = .where(op) }
      return try visitor.visit(&op)
    }
  }

  /// One instance of every operator name with default attributes.
  public static var catalogue: [Op] {
    var all: [Op] = []
    all += AffineGrid.variants.map { .affineGrid($0) }
    all += ArgExtreme.variants.map { .argExtreme($0) }
    all += Attention.variants.map { .attention($0) }
    all += BatchNormalization.variants.map { .batchNormalization($0) }
    all += BatchNormalizationGradient.variants.map { .batchNormalizationGradient($0) }
    all += Bernoulli.variants.map { .bernoulli($0) }
    all += Binary.variants.map { .binary($0) }
    all += BitCast.variants.map { .bitCast($0) }
    all += BitShift.variants.map { .bitShift($0) }
    all += Cast.variants.map { .cast($0) }
    all += CausalConvWithState.variants.map { .causalConvWithState($0) }
    all += CenterCropPad.variants.map { .centerCropPad($0) }
    all += Clip.variants.map { .clip($0) }
    all += Col2Im.variants.map { .col2Im($0) }
    all += Compress.variants.map { .compress($0) }
    all += Concat.variants.map { .concat($0) }
    all += ConstantOfShape.variants.map { .constantOfShape($0) }
    all += Conv.variants.map { .conv($0) }
    all += ConvTranspose.variants.map { .convTranspose($0) }
    all += ConvWeightGradient.variants.map { .convWeightGradient($0) }
    all += CosineWindow.variants.map { .cosineWindow($0) }
    all += Cumulative.variants.map { .cumulative($0) }
    all += DeformConv.variants.map { .deformConv($0) }
    all += DepthToSpace.variants.map { .depthToSpace($0) }
    all += Det.variants.map { .det($0) }
    all += DFT.variants.map { .dft($0) }
    all += Einsum.variants.map { .einsum($0) }
    all += DequantizeLinear.variants.map { .dequantizeLinear($0) }
    all += DynamicQuantizeLinear.variants.map { .dynamicQuantizeLinear($0) }
    all += Expand.variants.map { .expand($0) }
    all += EyeLike.variants.map { .eyeLike($0) }
    all += Flatten.variants.map { .flatten($0) }
    all += Gather.variants.map { .gather($0) }
    all += GatherElements.variants.map { .gatherElements($0) }
    all += GatherND.variants.map { .gatherND($0) }
    all += Gemm.variants.map { .gemm($0) }
    all += GlobalLpPool.variants.map { .globalLpPool($0) }
    all += GlobalPool.variants.map { .globalPool($0) }
    all += GridSample.variants.map { .gridSample($0) }
    all += GroupNormalization.variants.map { .groupNormalization($0) }
    all += Hardmax.variants.map { .hardmax($0) }
    all += Identity.variants.map { .identity($0) }
    all += If.variants.map { .if($0) }
    all += IsInf.variants.map { .isInf($0) }
    all += GroupQueryAttention.variants.map { .groupQueryAttention($0) }
    all += IntegerConvolution.variants.map { .integerConvolution($0) }
    all += IntegerProduct.variants.map { .integerProduct($0) }
    all += LabelEncoder.variants.map { .labelEncoder($0) }
    all += LayerNormalization.variants.map { .layerNormalization($0) }
    all += LinearAttention.variants.map { .linearAttention($0) }
    all += Loop.variants.map { .loop($0) }
    all += LpNormalization.variants.map { .lpNormalization($0) }
    all += LpPool.variants.map { .lpPool($0) }
    all += LRN.variants.map { .lrn($0) }
    all += Masked.variants.map { .masked($0) }
    all += MatMul.variants.map { .matMul($0) }
    all += MatMulNBits.variants.map { .matMulNBits($0) }
    all += MaxPoolGradient.variants.map { .maxPoolGradient($0) }
    all += MaxRoiPool.variants.map { .maxRoiPool($0) }
    all += MaxUnpool.variants.map { .maxUnpool($0) }
    all += MeanVarianceNormalization.variants.map { .meanVarianceNormalization($0) }
    all += MelWeightMatrix.variants.map { .melWeightMatrix($0) }
    all += Mod.variants.map { .mod($0) }
    all += Multinomial.variants.map { .multinomial($0) }
    all += NegativeLogLikelihoodLoss.variants.map { .negativeLogLikelihoodLoss($0) }
    all += NonMaxSuppression.variants.map { .nonMaxSuppression($0) }
    all += NonZero.variants.map { .nonZero($0) }
    all += OneHot.variants.map { .oneHot($0) }
    all += Pad.variants.map { .pad($0) }
    all += Pool.variants.map { .pool($0) }
    all += RandomNumbers.variants.map { .randomNumbers($0) }
    all += QuantizeLinear.variants.map { .quantizeLinear($0) }
    all += RangeOf.variants.map { .range($0) }
    all += Recurrent.variants.map { .recurrent($0) }
    all += Reduce.variants.map { .reduce($0) }
    all += Reshape.variants.map { .reshape($0) }
    all += Resize.variants.map { .resize($0) }
    all += ReverseSequence.variants.map { .reverseSequence($0) }
    all += RMSNormalization.variants.map { .rmsNormalization($0) }
    all += RoiAlign.variants.map { .roiAlign($0) }
    all += RotaryEmbedding.variants.map { .rotaryEmbedding($0) }
    all += Scan.variants.map { .scan($0) }
    all += ScatterElements.variants.map { .scatterElements($0) }
    all += ScatterND.variants.map { .scatterND($0) }
    all += ShapeOf.variants.map { .shapeOf($0) }
    all += SizeOf.variants.map { .sizeOf($0) }
    all += Slice.variants.map { .slice($0) }
    all += Softmax.variants.map { .softmax($0) }
    all += SoftmaxCrossEntropyLoss.variants.map { .softmaxCrossEntropyLoss($0) }
    all += SpaceToDepth.variants.map { .spaceToDepth($0) }
    all += Split.variants.map { .split($0) }
    all += Squeeze.variants.map { .squeeze($0) }
    all += STFT.variants.map { .stft($0) }
    all += TensorScatter.variants.map { .tensorScatter($0) }
    all += TfIdfVectorizer.variants.map { .tfIdfVectorizer($0) }
    all += Tile.variants.map { .tile($0) }
    all += TopK.variants.map { .topK($0) }
    all += Transpose.variants.map { .transpose($0) }
    all += TreeEnsemble.variants.map { .treeEnsemble($0) }
    all += Trilu.variants.map { .trilu($0) }
    all += Unary.variants.map { .unary($0) }
    all += Unique.variants.map { .unique($0) }
    all += Unsqueeze.variants.map { .unsqueeze($0) }
    all += Where.variants.map { .where($0) }
    return all
  }
}
