import SparrowCore

private func recurrent(
  _ cell: Recurrent.Cell, _ change: (inout Recurrent) -> Void = { _ in }
) -> Op {
  var op = Recurrent(cell)
  change(&op)
  return .recurrent(op)
}

let recurrentRows: [InferenceRow] = [
  InferenceRow(
    recurrent(.lstm), ["f32[s,b,3]", "f32[1,20,3]", "f32[1,20,5]"],
    "f32[s,1,b,5] f32[1,b,5] f32[1,b,5]", outputs: 3),
  InferenceRow(
    recurrent(.gru) { $0.direction = .bidirectional },
    ["f16[7,2,3]", "f16[2,15,3]", "f16[2,15,5]", "f16[2,30]", "i32[2]", "f16[2,2,5]"],
    "f16[7,2,2,5] f16[2,2,5]", outputs: 2),
  InferenceRow(
    recurrent(.rnn) { $0.layout = 1 }, ["f32[b,s,3]", "f32[1,5,3]", "f32[1,5,5]"],
    "f32[b,s,1,5] f32[b,1,5]", outputs: 2),
  InferenceRow(
    recurrent(.rnn) { $0.hiddenSize = 6 }, ["f32[*]", "f32[*]", "f32[*]"], "f32[?,1,?,6]"),
  InferenceRow(
    recurrent(.lstm), ["f32[s,b,3]", "f32[1,20,4]", "f32[1,20,5]"],
    "error: axis 2 of W: 4 and 3 must be equal"),
  InferenceRow(
    recurrent(.gru), ["f32[s,b,3]", "f32[2,15,3]", "f32[1,15,5]"],
    "error: axis 0 of W: 2 and 1 must be equal"),
  InferenceRow(
    recurrent(.gru), ["f32[s,b,3]", "f32[1,15,3]", "f32[1,15,5]"],
    "error: GRU does not have 3 outputs", outputs: 3),
]
