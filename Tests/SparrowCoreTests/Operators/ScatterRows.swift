import SparrowCore

private func topK(_ axis: Int) -> Op {
  var op = TopK()
  op.axis = axis
  return .topK(op)
}

private func unique(_ axis: Int?) -> Op {
  var op = Unique()
  op.axis = axis
  return .unique(op)
}

private func compress(_ axis: Int?) -> Op {
  var op = Compress()
  op.axis = axis
  return .compress(op)
}

private func oneHot(_ axis: Int) -> Op {
  var op = OneHot()
  op.axis = axis
  return .oneHot(op)
}

private func cropPad(_ axes: [Int]?) -> Op {
  var op = CenterCropPad()
  op.axes = axes
  return .centerCropPad(op)
}

/// Operators that scatter, select and rearrange elements.
let scatterRows: [InferenceRow] = [
  InferenceRow(.gatherElements(GatherElements(axis: -1)), ["f16[b,4]", "i64[b,2]"], "f16[b,2]"),
  InferenceRow(
    .gatherElements(GatherElements(axis: 2)), ["f16[b,4]", "i64[b,2]"],
    "error: axis 2 is outside a tensor of rank 2"),
  InferenceRow(
    .gatherElements(GatherElements()), ["f16[b,4]", "i64[b]"],
    "error: data and indices: ranks 2 and 1 must be equal"),
  InferenceRow(
    .scatterElements(ScatterElements()), ["f32[n,3]", "i64[2,3]", "f32[2,3]"], "f32[n,3]"),
  InferenceRow(
    .scatterElements(ScatterElements()), ["f32[n,3]", "i64[2,3]", "f32[2,2]"],
    "error: axis 1 of indices and updates: 3 and 2 must be equal"),
  InferenceRow(.scatterND(ScatterND()), ["f32[n,3,4]", "i64[5,2]", "f32[5,4]"], "f32[n,3,4]"),
  InferenceRow(
    .scatterND(ScatterND()), ["f32[n,3,4]", "i64[5,2]", "f32[5,3]"],
    "error: axis 1 of updates: 4 and 3 must be equal"),
  InferenceRow(
    .scatterND(ScatterND()), ["f32[n,3]", "i64[5,3]", "f32[5]"],
    "error: index vectors of 3 do not fit a tensor of rank 2"),
  InferenceRow(
    .tensorScatter(TensorScatter()), ["f32[b,8,4]", "f32[b,s,4]", "i64[b]"], "f32[b,8,4]"),
  InferenceRow(
    .tensorScatter(TensorScatter()), ["f32[b,4]", "f32[b,4]"], "error: axis is 0, the batch"),
  InferenceRow(topK(-1), ["f32[n,5]", .ints([2])], "f32[n,2] i64[n,2]", outputs: 2),
  InferenceRow(topK(0), ["f32[n,5]", "i64[1]"], "f32[?,5]"),
  InferenceRow(topK(-1), ["f32[n,5]", .ints([6])], "error: k is 6, axis 1 is 5"),
  InferenceRow(unique(nil), ["f32[2,3]"], "f32[?] i64[?] i64[6] i64[?]", outputs: 4),
  InferenceRow(unique(-1), ["f32[n,3]"], "f32[n,?] i64[?] i64[3]", outputs: 3),
  InferenceRow(oneHot(-1), ["i32[n]", .int(3), "f16[2]"], "f16[n,3]"),
  InferenceRow(oneHot(0), ["f32[n]", "i64[]", "u8[2]"], "u8[?,n]"),
  InferenceRow(
    oneHot(0), ["f32[n]", .int(-1), "u8[2]"],
    "error: depth must be one number that is not negative"),
  InferenceRow(compress(nil), ["f32[n,3]", "bool[4]"], "f32[?]"),
  InferenceRow(compress(1), ["f32[n,3]", "bool[4]"], "f32[n,?]"),
  InferenceRow(.reverseSequence(ReverseSequence()), ["f32[t,b,3]", "i64[b]"], "f32[t,b,3]"),
  InferenceRow(
    .reverseSequence(ReverseSequence()), ["f32[t]", "i64[1]"],
    "error: x has rank 1, expected 2 or more"),
  InferenceRow(.depthToSpace(DepthToSpace(blockSize: 2)), ["u8[n,12,h,5]"], "u8[n,3,?,10]"),
  InferenceRow(
    .depthToSpace(DepthToSpace(blockSize: 2)), ["u8[n,6,4,5]"],
    "error: channels: 6 does not divide by 4"),
  InferenceRow(.spaceToDepth(SpaceToDepth(blockSize: 2)), ["u8[n,3,h,6]"], "u8[n,12,?,3]"),
  InferenceRow(
    .spaceToDepth(SpaceToDepth(blockSize: 0)), ["u8[n,3,h,6]"],
    "error: blocksize is 0, expected 1 to 4096"),
  InferenceRow(.tile(Tile()), ["f32[n,3]", .ints([1, 4])], "f32[n,12]"),
  InferenceRow(.tile(Tile()), ["f32[n,3]", "i64[2]"], "f32[?,?]"),
  InferenceRow(
    .tile(Tile()), ["f32[n,3]", .ints([1, -4])], "error: repeats has the entry -4"),
  InferenceRow(cropPad(nil), ["f32[n,3]", .ints([5, 2])], "f32[5,2]"),
  InferenceRow(cropPad([-1]), ["f32[n,3]", "i64[1]"], "f32[n,?]"),
  InferenceRow(
    cropPad([1]), ["f32[n,3]", .ints([5, 2])],
    "error: shape must be 1 lengths, none of them negative"),
]
