import SparrowCore

private func with<T>(_ value: T, _ change: (inout T) -> Void) -> T {
  var value = value
  change(&value)
  return value
}

let attentionRows: [InferenceRow] = [
  InferenceRow(
    .attention(Attention()), ["f32[b,8,l,16]", "f32[b,2,s,16]", "f32[b,2,s,24]"],
    "f32[b,8,l,24] f32[b,2,s,16] f32[b,2,s,24] f32[b,8,l,s]", outputs: 4),
  InferenceRow(
    .attention(with(Attention()) { ($0.queryHeads, $0.keyHeads) = (4, 2) }),
    ["f32[b,l,64]", "f32[b,5,32]", "f32[b,5,16]", "bool[l,8]", "f32[b,2,3,16]", "f32[b,2,3,8]"],
    "f32[b,l,32] f32[b,2,8,16] f32[b,2,8,8]", outputs: 3),
  InferenceRow(
    .attention(Attention()), ["f32[b,l,64]", "f32[b,5,32]", "f32[b,5,16]"],
    "error: inputs of rank 3 need q_num_heads and kv_num_heads"),
  InferenceRow(
    .attention(Attention()), ["f32[1,3,4,8]", "f32[1,2,4,8]", "f32[1,2,4,8]"],
    "error: 3 query heads cannot share 2 key heads"),
  InferenceRow(
    .rotaryEmbedding(RotaryEmbedding()), ["f32[b,8,l,16]", "f32[99,8]", "f32[99,8]", "i64[b,l]"],
    "f32[b,8,l,16]"),
  InferenceRow(
    .rotaryEmbedding(RotaryEmbedding()), ["f32[2,3,16]", "f32[2,3,8]", "f32[2,3,8]"],
    "error: num_heads must be given for x of rank 3"),
  InferenceRow(
    .linearAttention(
      with(LinearAttention()) { ($0.queryHeads, $0.keyHeads, $0.rule) = (4, 2, .gated) }),
    ["f16[b,t,64]", "f16[b,t,32]", "f16[b,t,8]", "f32[b,2,16,4]", "f16[b,t,2]"],
    "f16[b,t,16] f32[b,2,16,4]", outputs: 2),
  InferenceRow(
    .linearAttention(LinearAttention()), ["f16[b,t,64]", "f16[b,t,32]", "f16[b,t,8]"],
    "error: decay or beta is given or missing against rule 'gated_delta'"),
  InferenceRow(
    .causalConvWithState(CausalConvWithState()), ["f32[b,6,l]", "f32[6,1,4]"],
    "f32[b,6,l] f32[b,6,3]", outputs: 2),
  InferenceRow(
    .causalConvWithState(CausalConvWithState()), ["f32[b,6,l]", "f32[5,1,4]"],
    "error: the channels: 6 and 5 must be equal"),
]
