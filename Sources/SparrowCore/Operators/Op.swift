/// Every operator Sparrow knows: a closed set, so that each switch over it is complete.
///
/// To add one, write its file in this folder, add its case here, and run `tools/generate-operators`
/// (see CONTRIBUTING.md).
public enum Op: Hashable, Sendable {
  case argExtreme(ArgExtreme)
  case attention(Attention)
  case batchNormalization(BatchNormalization)
  case binary(Binary)
  case cast(Cast)
  case causalConvWithState(CausalConvWithState)
  case centerCropPad(CenterCropPad)
  case clip(Clip)
  case compress(Compress)
  case concat(Concat)
  case constantOfShape(ConstantOfShape)
  case conv(Conv)
  case convTranspose(ConvTranspose)
  case depthToSpace(DepthToSpace)
  case expand(Expand)
  case flatten(Flatten)
  case gather(Gather)
  case gatherElements(GatherElements)
  case gatherND(GatherND)
  case gemm(Gemm)
  case globalPool(GlobalPool)
  case identity(Identity)
  case `if`(If)
  case layerNormalization(LayerNormalization)
  case linearAttention(LinearAttention)
  case loop(Loop)
  case matMul(MatMul)
  case nonZero(NonZero)
  case oneHot(OneHot)
  case pad(Pad)
  case pool(Pool)
  case range(RangeOf)
  case recurrent(Recurrent)
  case reduce(Reduce)
  case reshape(Reshape)
  case resize(Resize)
  case reverseSequence(ReverseSequence)
  case rotaryEmbedding(RotaryEmbedding)
  case scan(Scan)
  case scatterElements(ScatterElements)
  case scatterND(ScatterND)
  case shapeOf(ShapeOf)
  case slice(Slice)
  case softmax(Softmax)
  case spaceToDepth(SpaceToDepth)
  case split(Split)
  case squeeze(Squeeze)
  case tensorScatter(TensorScatter)
  case tile(Tile)
  case topK(TopK)
  case transpose(Transpose)
  case trilu(Trilu)
  case unary(Unary)
  case unique(Unique)
  case unsqueeze(Unsqueeze)
  case `where`(Where)
}

/// A computation over whatever operator an ``Op`` holds.
public protocol OperatorVisitor {
  associatedtype Result
  associatedtype Failure: Error
  mutating func visit<O: Operator>(_ op: inout O) throws(Failure) -> Result
}
