import SparrowCore

private func with<T>(_ value: T, _ change: (inout T) -> Void) -> T {
  var value = value
  change(&value)
  return value
}

let quantizationRows: [InferenceRow] = [
  InferenceRow(.quantizeLinear(QuantizeLinear()), ["f32[n,3]", "f32[]"], "u8[n,3]"),
  InferenceRow(
    .quantizeLinear(QuantizeLinear()), ["f32[2,3]", "f32[3]", "i8[3]"], "i8[2,3]"),
  InferenceRow(
    .quantizeLinear(with(QuantizeLinear()) { $0.outputType = 5 }), ["f32[2,3]", "f32[]"],
    "i16[2,3]"),
  InferenceRow(
    .quantizeLinear(QuantizeLinear()), ["f32[2,3]", "f32[2]"],
    "error: the scale has 2 elements, expected 3"),
  InferenceRow(.dequantizeLinear(DequantizeLinear()), ["i8[n,3]", "f16[]", "i8[]"], "f16[n,3]"),
  InferenceRow(
    .dequantizeLinear(with(DequantizeLinear()) { ($0.axis, $0.block) = (0, 2) }),
    ["i8[5,3]", "f32[3,3]"], "f32[5,3]"),
  InferenceRow(
    .dequantizeLinear(DequantizeLinear()), ["i8[n,3]", "f32[]", "u8[]"],
    "error: the zero point is u8, x i8"),
  InferenceRow(
    .dynamicQuantizeLinear(DynamicQuantizeLinear()), ["f32[n,3]"], "u8[n,3] f32[] u8[]",
    outputs: 3),
  InferenceRow(
    .integerProduct(IntegerProduct()), ["u8[b,n,3]", "i8[3,4]", "u8[]"], "i32[b,n,4]"),
  InferenceRow(
    .integerProduct(IntegerProduct()), ["f32[n,3]", "i8[3,4]"],
    "error: input 0 is f32, expected i8 or u8"),
  InferenceRow(
    .integerProduct(IntegerProduct(isQuantized: true)),
    ["u8[n,3]", "f32[]", "u8[]", "i8[3,4]", "f32[]", "i8[]", "f32[]", "i8[]"], "i8[n,4]"),
  InferenceRow(
    .integerConvolution(IntegerConvolution()), ["u8[b,3,8,8]", "i8[5,3,3,3]"], "i32[b,5,6,6]"),
  InferenceRow(
    .integerConvolution(IntegerConvolution(isQuantized: true)),
    ["u8[b,3,8,8]", "f32[]", "u8[]", "i8[5,3,3,3]", "f32[5]", "i8[5]", "f32[]", "u8[]"],
    "u8[b,5,6,6]"),
  InferenceRow(
    .matMulNBits(with(MatMulNBits()) { ($0.k, $0.n) = (40, 5) }),
    ["f32[b,40]", "u8[5,2,16]", "f32[10]"], "f32[b,5]"),
  InferenceRow(
    .matMulNBits(with(MatMulNBits()) { ($0.k, $0.n) = (40, 5) }),
    ["f32[b,40]", "u8[5,2,8]", "f32[10]"], "error: there are 80 bytes of weights for 5 x 40"),
  InferenceRow(
    .groupQueryAttention(with(GroupQueryAttention()) { ($0.heads, $0.keyHeads) = (4, 2) }),
    [
      "f32[b,l,64]", .absent, .absent, "f32[b,2,6,8]", "f32[b,2,6,8]", "i32[b]",
      .constant(Tensor(scalar: Int32(9))),
    ], "f32[b,l,32] f32[b,2,9,8] f32[b,2,9,8]", outputs: 3),
  InferenceRow(
    .groupQueryAttention(with(GroupQueryAttention()) { ($0.heads, $0.keyHeads) = (3, 2) }),
    ["f32[b,l,64]", .absent, .absent, .absent, .absent, "i32[b]", "i32[]"],
    "error: 3 query heads cannot share 2 key heads"),
  InferenceRow(
    .labelEncoder(
      with(LabelEncoder()) {
        ($0.keys, $0.values) = (NumberList(.int64, [1]), NumberList(.float32, [2]))
      }), ["i64[n]"], "f32[n]"),
  InferenceRow(
    .labelEncoder(LabelEncoder()), ["i64[n]"],
    "error: keys and values of numbers must be given, as many of each"),
  InferenceRow(
    .treeEnsemble(with(TreeEnsemble()) { $0.targets = 3 }), ["f64[n,7]"], "f64[n,3]"),
]
