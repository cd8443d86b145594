import SparrowCore

let controlFlowRows: [InferenceRow] = ifRows + loopRows + scanRows

private typealias Samples = ControlFlowSamples

private let add = Op.binary(Binary(.add))
private let flip = Op.if(
  If(
    then: Samples.branch(.unary(Unary(.relu))),
    else: Samples.branch(.transpose(Transpose([1, 0])))))

private let ifRows: [InferenceRow] = [
  InferenceRow(flip, ["bool[]", "f32[2,2]", "f32[3]"], "f32[2,2]"),
  InferenceRow(flip, ["bool[]", "f32[2,3]", "f32[3]"], "f32[?,?]"),
  InferenceRow(flip, [.constant(Tensor(scalar: true)), "f32[2,3]", "f32[3]"], "f32[2,3]"),
  InferenceRow(flip, [.constant(Tensor(scalar: false)), "f32[2,3]", "f32[3]"], "f32[3,2]"),
  // A transposition of a vector contradicts itself: that branch is not taken.
  InferenceRow(flip, ["bool[]", "f32[4]", "f32[3]"], "f32[4]"),
  InferenceRow(flip, ["f32[]", "f32[4]", "f32[3]"], "error: the condition is f32, expected bool"),
  InferenceRow(flip, ["bool[]", "f32[4]"], "error: it takes 2 inputs, is given 1"),
  InferenceRow(
    .if(
      If(
        then: Samples.branch(.shapeOf(ShapeOf())),
        else: Samples.branch(.unary(Unary(.relu))))), ["bool[]", "f32[4]", "f32[3]"],
    "error: output 0 is i64 in one branch, f32 in the other"),
]

private let loopRows: [InferenceRow] = [
  InferenceRow(
    Samples.loop(add), [.int(5), .absent, "f32[2,3]", "f32[3]"], "f32[2,3] f32[5,2,3]",
    outputs: 2),
  InferenceRow(
    Samples.loop(add), ["i64[]", .absent, "f32[2,3]", "f32[3]"], "f32[2,3] f32[?,2,3]",
    outputs: 2),
  InferenceRow(
    Samples.loop(add), [.int(5), "bool[]", "f32[2,3]", "f32[3]"], "f32[2,3] f32[?,2,3]",
    outputs: 2),
  InferenceRow(
    Samples.loop(add, condition: true),
    [.int(-5), .constant(Tensor(scalar: true)), "f32[2,3]", "f32[3]"], "f32[2,3] f32[0,2,3]",
    outputs: 2),
  InferenceRow(
    Samples.loop(add, condition: false), [.int(5), .absent, "f32[2,3]", "f32[3]"],
    "f32[2,3] f32[?,2,3]", outputs: 2),
  // The carried value grows.
  InferenceRow(
    Samples.loop(.concat(Concat(axis: 0))), [.int(5), .absent, "f32[0]", "f32[3]"],
    "f32[?] f32[5,?]", outputs: 2),
  // It gets more axes by broadcasting.
  InferenceRow(
    Samples.loop(add), [.int(5), .absent, "f32[]", "f32[3]"], "f32[*] f32[*]", outputs: 2),
  InferenceRow(
    Samples.loop(.binary(Binary(.less))), [.int(5), .absent, "f32[3]", "f32[3]"],
    "error: carried value 1 is f32, its next round's bool", outputs: 2),
  InferenceRow(
    Samples.loop(add), [.int(5), .absent, "f32[3]"],
    "error: it has 3 inputs, expected 4", outputs: 2),
  InferenceRow(
    Samples.loop(add), [.int(5), .absent, "f32[3]", "f32[3]"],
    "error: it has 1 outputs, expected 2"),
]

private let scanRows: [InferenceRow] = [
  InferenceRow(Samples.scan(), ["f32[3]", "f32[n,3]"], "f32[3] f32[n,3]", outputs: 2),
  InferenceRow(
    Samples.scan(axis: -1, outputAxis: -1), ["f32[2]", "f32[2,7]"], "f32[2] f32[2,7]", outputs: 2),
  InferenceRow(
    Samples.scan(axis: 2), ["f32[2]", "f32[2,7]"],
    "error: axis 2 is outside a tensor of rank 2", outputs: 2),
  InferenceRow(
    Samples.scan(), ["f32[3]"], "error: it has 1 inputs, expected 2", outputs: 2),
]
