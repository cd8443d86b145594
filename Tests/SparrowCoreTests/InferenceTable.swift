import SparrowCore
import Testing

/// One operator applied to inputs, and the types it must give or the reason it must refuse.
struct InferenceRow: Sendable, CustomTestStringConvertible {
  var op: Op
  var inputs: [Operand]
  var expected: String
  var outputs: Int

  init(_ op: Op, _ inputs: [Operand], _ expected: String, outputs: Int = 1) {
    (self.op, self.inputs, self.expected, self.outputs) = (op, inputs, expected, outputs)
  }

  var testDescription: String { "\(op.name) \(expected)" }

  /// An input: `"f32[n,3,?]"`, a constant, or left out.
  enum Operand: Sendable, ExpressibleByStringLiteral {
    case type(String)
    case constant(Tensor)
    case absent

    init(stringLiteral text: String) { self = .type(text) }

    static func ints(_ values: [Int64]) -> Operand { .constant(Tensor(values)) }
    static func int(_ value: Int64) -> Operand { .constant(Tensor(scalar: value)) }
    static func floats(_ values: [Float]) -> Operand { .constant(Tensor(values)) }

    var known: InferenceContext.Input? {
      switch self {
      case .absent: nil
      case .constant(let tensor):
        InferenceContext.Input(
          type: TensorType(tensor.dtype, shape: tensor.shape), constant: tensor)
      case .type(let text): InferenceContext.Input(type: Self.parsed(text))
      }
    }

    private static func parsed(_ text: String) -> TensorType {
      let parts = text.split(separator: "[", maxSplits: 1)
      let dtype = DType.allCases.first { $0.name == parts[0] } ?? .float32
      let inside = parts[1].dropLast()
      if inside == "*" { return TensorType(dtype, nil) }
      return TensorType(
        dtype,
        inside.split(separator: ",").map { part in
          if part == "?" { return .unknown }
          return Int(part).map { .known($0) } ?? .symbol(String(part))
        })
    }
  }
}

private func window(
  _ kernel: [Int]? = nil, strides: [Int]? = nil, pads: [Int]? = nil, dilations: [Int]? = nil,
  _ autoPad: Window.AutoPad = .notSet
) -> Window {
  var window = Window(kernel: kernel, strides: strides, pads: pads, dilations: dilations)
  window.autoPad = autoPad
  return window
}

private func with<T>(_ value: T, _ change: (inout T) -> Void) -> T {
  var value = value
  change(&value)
  return value
}

let inferenceTable: [InferenceRow] =
  elementwiseRows + productRows + windowRows + shapeRows + indexingRows + reductionRows
  + movementRows
  + controlFlowRows
  + recurrentRows
  + attentionRows
  + numericRows
  + quantizationRows
  + gradientRows

private let elementwiseRows: [InferenceRow] =
  Unary.Function.allCases.map { function in
    let isNaN = function == .isNaN
    let dtype = function == .not ? "bool" : "f32"
    let row = dtype + "[n,3]"
    return InferenceRow(
      .unary(Unary(function)), [.type(row)], isNaN || function == .not ? "bool[n,3]" : "f32[n,3]")
  }
  + Binary.Function.allCases.map { function in
    InferenceRow(
      .binary(Binary(function)), ["f32[n,1,4]", "f32[3,1]"],
      function.compares ? "bool[n,3,4]" : "f32[n,3,4]")
  } + [
    InferenceRow(.binary(Binary(.add)), ["f32[n]", "f32[n]"], "f32[n]"),
    InferenceRow(.binary(Binary(.add)), ["f32[n]", "f32[m]"], "f32[?]"),
    InferenceRow(.binary(Binary(.add)), ["f32[n]", "f32[5]"], "f32[5]"),
    InferenceRow(.binary(Binary(.add)), ["f32[*]", "f32[5]"], "f32[*]"),
    InferenceRow(.binary(Binary(.add)), ["f32[0,3]", "f32[1,3]"], "f32[0,3]"),
    InferenceRow(
      .binary(Binary(.add)), ["f32[2,3]", "f32[2,4]"],
      "error: dimensions 3 and 4 at axis 1 cannot be broadcast together"),
    InferenceRow(
      .binary(Binary(.add)), ["f32[2]", "i64[2]"],
      "error: operands are f32 and i64, expected equal types"),
    InferenceRow(.binary(Binary(.pow)), ["f32[2]", "i64[]"], "f32[2]"),
    InferenceRow(.binary(Binary(.add)), ["f32[2]"], "error: input 1 is missing"),
    InferenceRow(.clip(Clip()), ["f32[n,3]", "f32[]"], "f32[n,3]"),
    InferenceRow(.where(Where()), ["bool[2,1]", "f32[3]", "f32[]"], "f32[2,3]"),
    InferenceRow(.cast(Cast(to: .int64)), ["f32[n,3]"], "i64[n,3]"),
    InferenceRow(.identity(Identity()), ["f32[n]"], "f32[n]"),
    InferenceRow(.identity(Identity(isDropout: true)), ["f32[n]"], "f32[n]"),
    InferenceRow(
      .identity(Identity(isDropout: true)), ["f32[n]"], "f32[n] bool[n]", outputs: 2),
    InferenceRow(.softmax(Softmax(axis: 1)), ["f32[2,3]"], "f32[2,3]"),
    InferenceRow(.softmax(Softmax(axis: -2, isLog: true)), ["f32[2,3]"], "f32[2,3]"),
    InferenceRow(
      .softmax(Softmax(axis: 2)), ["f32[2,3]"], "error: axis 2 is outside a tensor of rank 2"),
    InferenceRow(
      .batchNormalization(BatchNormalization()),
      ["f32[n,3,4]", "f32[3]", "f32[3]", "f32[3]", "f32[3]"], "f32[n,3,4]"),
    InferenceRow(
      .batchNormalization(BatchNormalization()),
      ["f32[n,3,4]", "f32[3]", "f32[4]", "f32[3]", "f32[3]"],
      "error: channels of x and of input 2: 3 and 4 must be equal"),
    InferenceRow(
      .layerNormalization(LayerNormalization()), ["f32[n,3,4]", "f32[4]", "f32[4]"], "f32[n,3,4]"),
    InferenceRow(
      .layerNormalization(LayerNormalization(axis: 3)), ["f32[n,3,4]", "f32[4]"],
      "error: axis 3 is outside a tensor of rank 3"),
  ]

private let productRows: [InferenceRow] = [
  InferenceRow(.matMul(MatMul()), ["f32[n,5,4]", "f32[4,6]", "f32[6]"], "f32[n,5,6]"),
  InferenceRow(.matMul(MatMul()), ["f32[2,1,5,4]", "f32[3,4,6]"], "f32[2,3,5,6]"),
  InferenceRow(.matMul(MatMul()), ["f32[4]", "f32[4,6]"], "f32[6]"),
  InferenceRow(.matMul(MatMul()), ["f32[5,4]", "f32[4]"], "f32[5]"),
  InferenceRow(.matMul(MatMul()), ["f32[4]", "f32[4]"], "f32[]"),
  InferenceRow(
    .matMul(MatMul()), ["f32[5,4]", "f32[3,6]"],
    "error: the inner dimensions: 4 and 3 must be equal"),
  InferenceRow(
    .matMul(MatMul()), ["f32[]", "f32[3,6]"], "error: operands must have rank 1 or more"),
  InferenceRow(.gemm(Gemm()), ["f32[n,4]", "f32[4,6]", "f32[6]"], "f32[n,6]"),
  InferenceRow(
    .gemm(Gemm(transposesA: true, transposesB: true)), ["f32[4,n]", "f32[6,4]"], "f32[n,6]"),
  InferenceRow(
    .gemm(Gemm()), ["f32[1,2,4]", "f32[4,6]"], "error: A has rank 3, expected 2"),
  InferenceRow(
    .gemm(Gemm()), ["f32[2,4]", "f32[4,6]", "f32[5]"],
    "error: dimensions 6 and 5 at axis 1 cannot be broadcast together"),
]

private let windowRows: [InferenceRow] = [
  InferenceRow(.conv(Conv()), ["f32[n,3,8,9]", "f32[4,3,3,3]"], "f32[n,4,6,7]"),
  InferenceRow(
    .conv(Conv(window: window(strides: [2, 2], pads: [1, 1, 1, 1]))),
    ["f32[1,3,224,224]", "f32[4,3,3,3]"], "f32[1,4,112,112]"),
  InferenceRow(
    .conv(Conv(window: window(strides: [2, 2], .sameUpper))), ["f32[1,3,7,8]", "f32[4,3,3,3]"],
    "f32[1,4,4,4]"),
  InferenceRow(
    .conv(Conv(window: window(dilations: [2, 2]))), ["f32[1,3,9,9]", "f32[4,3,3,3]"],
    "f32[1,4,5,5]"),
  InferenceRow(
    .conv(Conv(window: window(pads: [1, 1, 1, 1]), group: 3)), ["f32[1,3,h,w]", "f32[6,1,3,3]"],
    "f32[1,6,h,w]"),
  InferenceRow(.conv(Conv()), ["f32[1,3,h,w]", "f32[6,3,3,3]"], "f32[1,6,?,?]"),
  InferenceRow(.conv(Conv()), ["f32[1,3,9]", "f32[6,3,5]"], "f32[1,6,5]"),
  InferenceRow(
    .conv(Conv(group: 2)), ["f32[1,3,8,8]", "f32[4,3,3,3]"],
    "error: x has 3 channels, the weight expects 3 x 2 groups"),
  InferenceRow(
    .conv(Conv(group: 2)), ["f32[1,6,8,8]", "f32[5,3,3,3]"],
    "error: 5 output channels do not divide into 2 groups"),
  InferenceRow(
    .conv(Conv()), ["f32[1,3,2,2]", "f32[4,3,3,3]"],
    "error: a window of 3 does not fit a padded length of 2"),
  InferenceRow(
    .conv(Conv(window: window([5, 5]))), ["f32[1,3,8,8]", "f32[4,3,3,3]"],
    "error: kernel_shape [5,5] differs from the weight's [3,3]"),
  InferenceRow(
    .conv(Conv(window: window(strides: [0, 1]))), ["f32[1,3,8,8]", "f32[4,3,3,3]"],
    "error: kernel_shape, strides and dilations must be from 1 to 16777216"),
  InferenceRow(
    .convTranspose(ConvTranspose(window: window(strides: [2, 2]))),
    ["f32[1,4,5,5]", "f32[4,3,2,2]"], "f32[1,3,10,10]"),
  InferenceRow(
    .convTranspose(
      with(ConvTranspose(window: window(strides: [2, 2], pads: [1, 1, 1, 1]))) {
        $0.outputPadding = [1, 1]
      }), ["f32[1,4,5,5]", "f32[4,3,3,3]"], "f32[1,3,10,10]"),
  InferenceRow(
    .convTranspose(
      with(ConvTranspose(window: window(strides: [2, 2]))) { $0.outputShape = [9, 9] }),
    ["f32[1,4,5,5]", "f32[4,3,2,2]"], "f32[1,3,9,9]"),
  InferenceRow(
    .convTranspose(ConvTranspose(group: 2)), ["f32[1,4,5,5]", "f32[4,3,1,1]"], "f32[1,6,5,5]"),
  InferenceRow(
    .convTranspose(ConvTranspose()), ["f32[1,4,5,5]", "f32[3,3,1,1]"],
    "error: channels of x and of the weight: 4 and 3 must be equal"),
  InferenceRow(
    .pool(Pool(.max, window: window([3, 3], strides: [2, 2], pads: [1, 1, 1, 1]))),
    ["f32[1,3,112,112]"], "f32[1,3,56,56]"),
  InferenceRow(
    .pool(with(Pool(.max, window: window([2, 2], strides: [2, 2]))) { $0.ceilMode = true }),
    ["f32[1,3,7,8]"], "f32[1,3,4,4]"),
  InferenceRow(
    // The last window would start in the trailing padding: ONNX and its frameworks drop it.
    .pool(
      with(Pool(.max, window: window([2], strides: [2], pads: [1, 1]))) { $0.ceilMode = true }),
    ["f32[1,3,5]"], "f32[1,3,3]"),
  InferenceRow(.pool(Pool(.average, window: window([2, 2]))), ["f32[1,3,h,8]"], "f32[1,3,?,7]"),
  InferenceRow(
    .pool(Pool(.average)), ["f32[1,3,8,8]"],
    "error: kernel_shape is not given and the weight's shape is not known"),
  InferenceRow(.globalPool(GlobalPool(.average)), ["f32[n,3,h,w]"], "f32[n,3,1,1]"),
  InferenceRow(.globalPool(GlobalPool(.max)), ["f32[n,3,7]"], "f32[n,3,1]"),
  InferenceRow(
    .globalPool(GlobalPool(.max)), ["f32[n,3]"], "error: x has rank 2, expected 3 or more"),
  InferenceRow(
    .resize(Resize()), ["f32[1,3,4,5]", .absent, .floats([1, 1, 2, 1.5])], "f32[1,3,8,7]"),
  InferenceRow(
    .resize(Resize()), ["f32[1,3,h,w]", .absent, .absent, .ints([1, 3, 9, 9])], "f32[1,3,9,9]"),
  InferenceRow(
    .resize(Resize()), ["f32[n,3,h,w]", .absent, .floats([1, 1, 2, 2])], "f32[n,3,?,?]"),
]

private let shapeRows: [InferenceRow] = [
  InferenceRow(.reshape(Reshape()), ["f32[2,3,4]", .ints([0, -1])], "f32[2,12]"),
  InferenceRow(.reshape(Reshape()), ["f32[n,3,4]", .ints([0, -1])], "f32[n,12]"),
  InferenceRow(.reshape(Reshape()), ["f32[n,12]", .ints([-1, 3, 4])], "f32[?,3,4]"),
  InferenceRow(.reshape(Reshape()), ["f32[n,12]", "i64[3]"], "f32[?,?,?]"),
  InferenceRow(
    .reshape(with(Reshape()) { $0.allowsZero = true }), ["f32[0,3]", .ints([3, 0])], "f32[3,0]"),
  InferenceRow(
    .reshape(Reshape()), ["f32[2,3]", .ints([4, 2])],
    "error: cannot make a shape of 8 elements from x's 6"),
  InferenceRow(
    .reshape(Reshape()), ["f32[2,3]", .ints([4, -1])], "error: x's 6 elements do not divide by 4"),
  InferenceRow(
    .reshape(Reshape()), ["f32[6]", .ints([-1, -1])], "error: the shape has more than one -1"),
  InferenceRow(
    .reshape(Reshape()), ["f32[6]", .ints([-2, 3])], "error: the shape has the entry -2"),
  InferenceRow(
    .reshape(Reshape()), ["f32[6]", .ints([6, 0])],
    "error: entry 1 of the shape copies a dimension that x does not have"),
  InferenceRow(.flatten(Flatten()), ["f32[n,3,4]"], "f32[n,12]"),
  InferenceRow(.flatten(Flatten(axis: 0)), ["f32[2,3,4]"], "f32[1,24]"),
  InferenceRow(.flatten(Flatten(axis: -1)), ["f32[2,3,4]"], "f32[6,4]"),
  InferenceRow(.flatten(Flatten()), ["f32[*]"], "f32[?,?]"),
  InferenceRow(
    .flatten(Flatten(axis: 4)), ["f32[2,3,4]"], "error: axis 4 is outside a tensor of rank 3"),
  InferenceRow(.squeeze(Squeeze()), ["f32[1,3,1]", .ints([-1])], "f32[1,3]"),
  InferenceRow(.squeeze(Squeeze()), ["f32[1,3,1]"], "f32[3]"),
  InferenceRow(.squeeze(Squeeze()), ["f32[n,3,1]"], "f32[*]"),
  InferenceRow(
    .squeeze(Squeeze()), ["f32[1,3]", .ints([1])],
    "error: axis 1 has length 3, only 1 can be squeezed"),
  InferenceRow(.unsqueeze(Unsqueeze()), ["f32[n,3]", .ints([0, -1])], "f32[1,n,3,1]"),
  InferenceRow(
    .unsqueeze(Unsqueeze()), ["f32[3]", .ints([0, 0])], "error: axis 0 is given twice"),
  InferenceRow(.transpose(Transpose()), ["f32[n,3,4]"], "f32[4,3,n]"),
  InferenceRow(.transpose(Transpose([1, 0, 2])), ["f32[n,3,4]"], "f32[3,n,4]"),
  InferenceRow(
    .transpose(Transpose([0, 0, 1])), ["f32[n,3,4]"],
    "error: perm is not a permutation of the 3 axes"),
  InferenceRow(.expand(Expand()), ["f32[3,1]", .ints([2, 1, 4])], "f32[2,3,4]"),
  InferenceRow(.expand(Expand()), ["f32[3,1]", "i64[3]"], "f32[?,?,?]"),
  InferenceRow(.expand(Expand()), ["f32[3,1]", "i64[?]"], "f32[*]"),
  InferenceRow(
    .expand(Expand()), ["f32[3]", .ints([-1])], "error: the shape has the entry -1"),
  InferenceRow(.shapeOf(ShapeOf()), ["f32[n,3,4]"], "i64[3]"),
  InferenceRow(
    .shapeOf(
      with(ShapeOf()) {
        $0.start = -2
        $0.end = 9
      }), ["f32[n,3,4]"], "i64[2]"),
  InferenceRow(.shapeOf(ShapeOf()), ["f32[*]"], "i64[?]"),
  InferenceRow(
    .constantOfShape(ConstantOfShape()), [.ints([2, 3])], "f32[2,3]"),
  InferenceRow(
    .constantOfShape(with(ConstantOfShape()) { $0.value = Scalar(dtype: .int64, bits: 1) }),
    ["i64[2]"], "i64[*]"),
  InferenceRow(
    .constantOfShape(ConstantOfShape()), [.ints([-2])], "error: the shape has the entry -2"),
]

private let indexingRows: [InferenceRow] = [
  InferenceRow(.concat(Concat(axis: 1)), ["f32[n,3]", "f32[n,4]"], "f32[n,7]"),
  InferenceRow(.concat(Concat(axis: -1)), ["f32[2,3]", "f32[2,w]"], "f32[2,?]"),
  InferenceRow(
    .concat(Concat(axis: 0)), ["f32[2,3]", "f32[2,4]"], "error: axis 1: 3 and 4 must be equal"),
  InferenceRow(
    .concat(Concat(axis: 0)), ["f32[2]", "i64[2]"], "error: input 1 is i64, input 0 is f32"),
  InferenceRow(.split(Split(axis: 1)), ["f32[n,7]"], "f32[n,4] f32[n,3]", outputs: 2),
  InferenceRow(
    .split(Split(axis: 1)), ["f32[n,7]", .ints([2, 5])], "f32[n,2] f32[n,5]", outputs: 2),
  InferenceRow(
    .split(Split(axis: 1)), ["f32[n,7]", .ints([2, 4])],
    "error: the split lengths do not add up to x's axis 1", outputs: 2),
  InferenceRow(
    .slice(Slice()), ["f32[n,8]", .ints([1]), .ints([7]), .ints([1]), .ints([2])], "f32[n,3]"),
  InferenceRow(
    .slice(Slice()), ["f32[8]", .ints([-1]), .ints([Int64.min]), .ints([0]), .ints([-1])],
    "f32[8]"),
  InferenceRow(.slice(Slice()), ["f32[8]", .ints([5]), .ints([Int64.max])], "f32[3]"),
  InferenceRow(.slice(Slice()), ["f32[8]", .ints([6]), .ints([2])], "f32[0]"),
  InferenceRow(.slice(Slice()), ["f32[n,8]", "i64[1]", "i64[1]"], "f32[?,?]"),
  InferenceRow(
    .slice(Slice()), ["f32[8]", .ints([0]), .ints([4]), .ints([0]), .ints([0])],
    "error: a step is 0"),
  InferenceRow(
    .slice(Slice()), ["f32[8]", .ints([0]), .ints([4, 5])],
    "error: starts, ends, axes and steps differ in length"),
  InferenceRow(.gather(Gather(axis: 1)), ["f32[n,8,4]", "i64[2,3]"], "f32[n,2,3,4]"),
  InferenceRow(.gather(Gather()), ["f32[8,4]", "i64[]"], "f32[4]"),
  InferenceRow(
    .gather(Gather(axis: 2)), ["f32[8,4]", "i64[]"], "error: axis 2 is outside a tensor of rank 2"),
  InferenceRow(.gatherND(GatherND()), ["f32[2,3,4]", "i64[5,2]"], "f32[5,4]"),
  InferenceRow(
    .gatherND(with(GatherND()) { $0.batchDimensions = 1 }), ["f32[2,3,4]", "i64[2,1]"],
    "f32[2,4]"),
  InferenceRow(
    .gatherND(GatherND()), ["f32[2,3]", "i64[5,3]"],
    "error: index vectors of 3 with batch_dims 0 do not fit a tensor of rank 2"),
  InferenceRow(.range(RangeOf()), [.int(2), .int(11), .int(3)], "i64[3]"),
  InferenceRow(.range(RangeOf()), [.int(11), .int(2), .int(-4)], "i64[3]"),
  InferenceRow(.range(RangeOf()), ["i64[]", .int(2), .int(1)], "i64[?]"),
  InferenceRow(.pad(Pad()), ["f32[n,3]", .ints([0, 1, 0, 2])], "f32[n,6]"),
  InferenceRow(
    .pad(Pad()), ["f32[n,3]", .ints([1, 2]), .absent, .ints([-1])], "f32[n,6]"),
  InferenceRow(.pad(Pad()), ["f32[n,3]", "i64[4]"], "f32[?,?]"),
  InferenceRow(
    .pad(Pad()), ["f32[n,3]", .ints([0, 1])], "error: pads has 2 entries, expected 4"),
  InferenceRow(
    .pad(Pad()), ["f32[3]", .ints([-2, -2])],
    "error: padding axis 0 of length 3 gives a negative length"),
]

private let reductionRows: [InferenceRow] =
  Reduce.Kind.allCases.map { kind in
    InferenceRow(.reduce(Reduce(kind)), ["f32[n,3,4]", .ints([-1])], "f32[n,3,1]")
  } + [
    InferenceRow(
      .reduce(Reduce(.sum, keepsDimensions: false)), ["f32[n,3,4]", .ints([0, 2])], "f32[3]"),
    InferenceRow(.reduce(Reduce(.sum)), ["f32[n,3,4]"], "f32[1,1,1]"),
    InferenceRow(.reduce(Reduce(.sum, keepsDimensions: false)), ["f32[n,3,4]"], "f32[]"),
    InferenceRow(
      .reduce(with(Reduce(.sum)) { $0.noopWithEmptyAxes = true }), ["f32[n,3]"], "f32[n,3]"),
    InferenceRow(.reduce(Reduce(.sum)), ["f32[n,3]", "i64[1]"], "f32[?,?]"),
    InferenceRow(
      .reduce(Reduce(.sum)), ["f32[n,3]", .ints([2])],
      "error: axis 2 is outside a tensor of rank 2"),
    InferenceRow(
      .argExtreme(with(ArgExtreme(isMax: true)) { $0.axis = -1 }), ["f32[n,3]"], "i64[n,1]"),
    InferenceRow(
      .argExtreme(with(ArgExtreme(isMax: false)) { $0.keepsDimensions = false }), ["f32[n,3]"],
      "i64[3]"),
  ]
