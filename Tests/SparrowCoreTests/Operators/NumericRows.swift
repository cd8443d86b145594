import SparrowCore

private func op<T>(_ value: T, _ change: (inout T) -> Void) -> T {
  var value = value
  change(&value)
  return value
}

let numericRows: [InferenceRow] = [
  InferenceRow(.isInf(IsInf()), ["f16[n,2]"], "bool[n,2]"),
  InferenceRow(.mod(Mod()), ["i32[n,1]", "i32[4]"], "i32[n,4]"),
  InferenceRow(
    .mod(Mod()), ["i32[2]", "i64[2]"], "error: operands are i32 and i64, expected equal types"),
  InferenceRow(.bitShift(BitShift()), ["u8[3]", "u8[]"], "u8[3]"),
  InferenceRow(
    .bitShift(BitShift()), ["f32[3]", "f32[]"], "error: operands are f32, expected integers"),
  InferenceRow(.bitCast(BitCast(to: .int16)), ["f16[n]"], "i16[n]"),
  InferenceRow(
    .bitCast(BitCast(to: .int16)), ["f32[n]"], "error: elements of f32 and i16 differ in size"),
  InferenceRow(.cumulative(Cumulative(.sum)), ["f32[2,n]", .int(-2)], "f32[2,n]"),
  InferenceRow(
    .cumulative(Cumulative(.product)), ["f32[2,n]", .int(2)],
    "error: axis 2 is outside a tensor of rank 2"),
  InferenceRow(.hardmax(Hardmax()), ["f32[2,n]"], "f32[2,n]"),
  InferenceRow(.lpNormalization(LpNormalization()), ["f32[2,n]"], "f32[2,n]"),
  InferenceRow(
    .lpNormalization(op(LpNormalization()) { $0.p = 3 }), ["f32[2,n]"],
    "error: p is 3, expected 1 or 2"),
  InferenceRow(
    .meanVarianceNormalization(MeanVarianceNormalization()), ["f32[n,3,4,5]"], "f32[n,3,4,5]"),
  InferenceRow(
    .groupNormalization(GroupNormalization(groups: 2)), ["f32[n,4,h]", "f32[4]", "f32[4]"],
    "f32[n,4,h]"),
  InferenceRow(
    .groupNormalization(GroupNormalization(groups: 3)), ["f32[n,4,h]", "f32[4]", "f32[4]"],
    "error: 4 channels do not divide into 3 groups"),
  InferenceRow(
    .groupNormalization(GroupNormalization(groups: nil)), ["f32[n,4,h]", "f32[3]", "f32[4]"],
    "error: channels of x and of input 1: 4 and 3 must be equal"),
  InferenceRow(
    .rmsNormalization(RMSNormalization()), ["f16[n,4]", "f32[4]"], "f32[n,4]"),
  InferenceRow(
    .rmsNormalization(RMSNormalization()), ["f32[n,4]", "f32[2,2,4]"],
    "error: the scale cannot be broadcast to [n,4]"),
  InferenceRow(.lrn(op(LRN()) { $0.size = 3 }), ["f32[n,4,h]"], "f32[n,4,h]"),
  InferenceRow(
    .layerNormalization(LayerNormalization(axis: 1)), ["f16[n,3,4]", "f16[4]"],
    "f16[n,3,4] f32[n,1,1] f32[n,1,1]", outputs: 3),
  InferenceRow(
    .batchNormalization(op(BatchNormalization()) { $0.isTraining = true }),
    ["f16[n,3,4]", "f32[3]", "f32[3]", "f32[3]", "f32[3]"], "f16[n,3,4] f32[3] f32[3]", outputs: 3),
  InferenceRow(
    .batchNormalization(BatchNormalization()),
    ["f32[n,3,4]", "f32[3]", "f32[3]", "f32[3]", "f32[3]"],
    "error: it has 2 outputs, but is not in training mode", outputs: 2),
  InferenceRow(.sizeOf(SizeOf()), ["f32[n,3]"], "i64[]"),
  InferenceRow(.range(RangeOf()), [.int(1), .int(9), .int(3)], "i64[3]"),
  InferenceRow(.eyeLike(EyeLike()), ["i32[n,3]"], "i32[n,3]"),
  InferenceRow(
    .eyeLike(op(EyeLike()) { $0.dtype = ChosenType(.float16) }), ["i32[n,3]"], "f16[n,3]"),
  InferenceRow(.eyeLike(EyeLike()), ["i32[3]"], "error: x has rank 1, expected 2"),
  InferenceRow(.randomNumbers(op(RandomNumbers(.normal)) { $0.shape = [2, 3] }), [], "f32[2,3]"),
  InferenceRow(.randomNumbers(RandomNumbers(.uniform, isLikeInput: true)), ["f64[n]"], "f64[n]"),
  InferenceRow(
    .randomNumbers(op(RandomNumbers(.normal)) { $0.shape = [-2] }), [],
    "error: the shape has the entry -2"),
  InferenceRow(.randomNumbers(RandomNumbers(.normal, isLikeInput: true)), ["f16[n]"], "f16[n]"),
  InferenceRow(.randomNumbers(op(RandomNumbers(.uniform)) { $0.shape = [4] }), [], "f32[4]"),
  InferenceRow(.bernoulli(Bernoulli()), ["f64[n]"], "f64[n]"),
  InferenceRow(.multinomial(op(Multinomial()) { $0.samples = 5 }), ["f32[n,3]"], "i32[n,5]"),
  InferenceRow(
    .negativeLogLikelihoodLoss(NegativeLogLikelihoodLoss()), ["f32[n,5,7]", "i64[n,7]"], "f32[]"),
  InferenceRow(
    .negativeLogLikelihoodLoss(op(NegativeLogLikelihoodLoss()) { $0.reduction = .none }),
    ["f32[n,5,7]", "i64[n,7]", "f32[5]"], "f32[n,7]"),
  InferenceRow(
    .softmaxCrossEntropyLoss(SoftmaxCrossEntropyLoss()), ["f32[n,5,7]", "i64[n,7]"],
    "f32[] f32[n,5,7]", outputs: 2),
  InferenceRow(
    .softmaxCrossEntropyLoss(SoftmaxCrossEntropyLoss()), ["f32[n,5,7]", "i64[n]"],
    "error: the targets have rank 1, expected 2: one a position"),
  InferenceRow(.dft(DFT()), ["f32[n,10,1]"], "f32[n,10,2]"),
  InferenceRow(
    .dft(op(DFT()) { $0.isOneSided = true }), ["f32[n,10,1]", .int(7), .int(1)], "f32[n,4,2]"),
  InferenceRow(
    .dft(op(DFT()) { ($0.isOneSided, $0.isInverse) = (true, true) }), ["f32[n,6,2]"], "f32[n,10,1]"),
  InferenceRow(.dft(DFT()), ["f32[n,10,1]", "i64[]"], "f32[n,?,2]"),
  InferenceRow(
    .dft(DFT()), ["f32[n,10,3]"], "error: x's last axis has 3 elements, expected 1 or 2"),
  InferenceRow(
    .dft(DFT()), ["f32[n,10,1]", .absent, .int(-1)], "error: axis -1 is that of the complex parts"),
  InferenceRow(.stft(STFT()), ["f32[n,100,1]", .int(10), "f32[16]"], "f32[n,9,9,2]"),
  InferenceRow(
    .stft(STFT()), ["f32[n,100,1]", .int(0), "f32[16]"],
    "error: the step between frames is not a positive scalar"),
  InferenceRow(.cosineWindow(CosineWindow(.hann)), [.int(8)], "f32[8]"),
  InferenceRow(.cosineWindow(CosineWindow(.hamming)), ["i32[]"], "f32[?]"),
  InferenceRow(
    .cosineWindow(CosineWindow(.blackman)), [.int(-8)],
    "error: the size is not a scalar of 0 or more"),
  InferenceRow(
    .melWeightMatrix(MelWeightMatrix()), [.int(8), .int(16), "i64[]", "f32[]", "f32[]"], "f32[9,8]"),
  InferenceRow(.einsum(Einsum("bij, bjk -> bik")), ["f32[b,2,3]", "f32[b,3,4]"], "f32[b,2,4]"),
  InferenceRow(.einsum(Einsum("...ii->...i")), ["f32[n,5,3,3]"], "f32[n,5,3]"),
  InferenceRow(.einsum(Einsum("ba,bc")), ["f32[2,3]", "f32[2,4]"], "f32[3,4]"),
  InferenceRow(
    .einsum(Einsum("ij->ik")), ["f32[2,3]"],
    "error: the equation 'ij->ik' has a wrong label in its output"),
  InferenceRow(
    .einsum(Einsum("ij,j")), ["f32[2,3]"], "error: the equation has 2 terms, the node 1 inputs"),
  InferenceRow(.det(Det()), ["f32[n,3,3]"], "f32[n]"),
  InferenceRow(
    .det(Det()), ["f32[n,3,4]"], "error: the matrices' sides: 3 and 4 must be equal"),
]
