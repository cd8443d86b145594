import SparrowCore

/// A change that a later operator set made to an operator. Lifts bring a node written for an older
/// one to the canonical form; what remains of the form is the last of the nodes that replace it.
struct Lift: Sendable {
  typealias Change = @Sendable (inout NodeForm, inout GraphBuilder) throws(FormatError) -> Void

  let op: String
  let domain: String
  /// The first operator set that needs no lift; nil where every one does.
  let below: Int?
  let change: Change

  init(_ op: String, below: Int? = nil, domain: String = "", _ change: @escaping Change) {
    (self.op, self.below, self.domain, self.change) = (op, below, domain, change)
  }

  /// Applied in this order, each to what the ones before have left.
  static let all: [Lift] = [
    Lift("Add", below: 7, broadcastAxis),
    Lift("Sub", below: 7, broadcastAxis),
    Lift("Mul", below: 7, broadcastAxis),
    Lift("Div", below: 7, broadcastAxis),
    Lift("And", below: 7, broadcastAxis),
    Lift("Or", below: 7, broadcastAxis),
    Lift("Xor", below: 7, broadcastAxis),
    Lift("Equal", below: 7, broadcastAxis),
    Lift("Less", below: 7, broadcastAxis),
    Lift("Greater", below: 7, broadcastAxis),
    Lift("Pow", below: 7, broadcastAxis),
    Lift("PRelu", below: 7, channelSlopes),
    Lift("Gemm", below: 7, gemmBroadcast),
    Lift("Cast", below: 6, typeName),
    Lift("Reshape", below: 5, shapeAttribute),
    Lift("Concat", below: 4, concatAxis),
    Lift("Pad", below: 2, paddings),
    Lift("LpPool", below: 2, wholePower),
    Lift("GlobalLpPool", below: 2, wholePower),
    Lift("FastGelu", domain: "com.microsoft", fastGelu),
    Lift("Gelu", domain: "com.microsoft", gelu),
    Lift("Attention", domain: "com.microsoft", attention),
    Lift("BiasGelu", domain: "com.microsoft", biasGelu),
    Lift("DequantizeLinear", domain: "com.microsoft", standard),
    Lift("DynamicQuantizeMatMul", domain: "com.microsoft", dynamicQuantizedProduct),
    Lift("EmbedLayerNormalization", domain: "com.microsoft", embedLayerNorm),
    Lift("FusedConv", domain: "com.microsoft", fusedActivation),
    Lift("FusedGemm", domain: "com.microsoft", fusedActivation),
    Lift("FusedMatMul", domain: "com.microsoft", fusedMatMul),
    Lift("MatMulIntegerToFloat", domain: "com.microsoft", integerProductToFloat),
    Lift("MultiHeadAttention", domain: "com.microsoft", multiHeadAttention),
    Lift("QGemm", domain: "com.microsoft", quantizedGemm),
    Lift("QLinearAdd", domain: "com.microsoft", quantizedBinary),
    Lift("QLinearAveragePool", domain: "com.microsoft", quantizedUnary),
    Lift("QLinearConcat", domain: "com.microsoft", quantizedConcat),
    Lift("QLinearGlobalAveragePool", domain: "com.microsoft", quantizedUnary),
    Lift("QLinearLeakyRelu", domain: "com.microsoft", quantizedUnary),
    Lift("QLinearMul", domain: "com.microsoft", quantizedBinary),
    Lift("QLinearSigmoid", domain: "com.microsoft", quantizedUnary),
    Lift("QLinearSoftmax", domain: "com.microsoft", quantizedUnary),
    Lift("QuantizeLinear", domain: "com.microsoft", standard),
    Lift("QuickGelu", domain: "com.microsoft", quickGelu),
    Lift("RotaryEmbedding", domain: "com.microsoft", rotaryEmbedding),
    Lift("SimplifiedLayerNormalization", simplifiedLayerNorm),
    Lift("SkipLayerNormalization", domain: "com.microsoft", skipLayerNorm),
    Lift("SkipSimplifiedLayerNormalization", domain: "com.microsoft", skipRootMeanSquare),
    Lift("ArrayFeatureExtractor", domain: "ai.onnx.ml", arrayFeatures),
    Lift("Binarizer", domain: "ai.onnx.ml", binarizer),
    Lift("FeatureVectorizer", domain: "ai.onnx.ml", featureVectorizer),
    Lift("Imputer", domain: "ai.onnx.ml", imputer),
    Lift("LabelEncoder", domain: "ai.onnx.ml", labelEncoder),
    Lift("LinearClassifier", domain: "ai.onnx.ml", linearClassifier),
    Lift("LinearRegressor", domain: "ai.onnx.ml", linearRegressor),
    Lift("Normalizer", domain: "ai.onnx.ml", normalizer),
    Lift("Scaler", domain: "ai.onnx.ml", scaler),
    Lift("TreeEnsembleClassifier", domain: "ai.onnx.ml", treeClassifier),
    Lift("TreeEnsembleRegressor", domain: "ai.onnx.ml", treeRegressor),
    Lift("Upsample", upsample),
    Lift("Resize", below: 11, resize10),
    Lift("Resize", resizeEmptyInputs),
    Lift("GridSample", below: 20, gridSampleMode),
    Lift("RoiAlign", below: 16, roiAlign10),
    Lift("Clip", below: 11, clipBounds),
    Lift("Scatter", scatter),
    Lift("TopK", below: 10, topKAttribute),
    Lift("SpaceToDepth", spaceToDepthMode),
    Lift("Pad", below: 11, padAttributes),
    Lift("Slice", below: 10, sliceAttributes),
    Lift("Split", below: 13, splitAttribute),
    Lift("Squeeze", below: 13, axesAttribute),
    Lift("Unsqueeze", below: 13, axesAttribute),
    Lift("ReduceSum", below: 13, axesAttribute),
    Lift("ReduceMean", below: 18, axesAttribute),
    Lift("ReduceMax", below: 18, axesAttribute),
    Lift("ReduceMin", below: 18, axesAttribute),
    Lift("ReduceProd", below: 18, axesAttribute),
    Lift("ReduceL1", below: 18, axesAttribute),
    Lift("ReduceL2", below: 18, axesAttribute),
    Lift("ReduceSumSquare", below: 18, axesAttribute),
    Lift("ReduceLogSum", below: 18, axesAttribute),
    Lift("ReduceLogSumExp", below: 18, axesAttribute),
    Lift("Softmax", below: 13, coercedSoftmax),
    Lift("LogSoftmax", below: 13, coercedSoftmax),
    Lift("Hardmax", below: 13, coercedSoftmax),
    Lift("GroupNormalization", below: 21, groupParameters),
    Lift("DFT", below: 20, transformAxis),
    Lift("CastLike", castLike),
    Lift("SwiGLU", gatedSwish),
    Lift("Dropout", dropout),
    Lift("Max", chain),
    Lift("Min", chain),
    Lift("Sum", chain),
    Lift("Mean", chain),
  ]

  private static let byOp = Dictionary(grouping: all.indices, by: { all[$0].op })

  /// Brings a node to the canonical form.
  static func lift(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    var last = -1
    // A lift may turn the node into another operator, whose own lifts come later in the list.
    while let next = byOp[form.opType]?.first(where: { $0 > last }) {
      last = next
      let lift = all[next]
      guard form.domain == lift.domain, lift.below.map({ form.opset < $0 }) ?? true else {
        continue
      }
      try lift.change(&form, &builder)
    }
  }
}
