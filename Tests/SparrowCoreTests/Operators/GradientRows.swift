import SparrowCore

let gradientRows: [InferenceRow] = [
  InferenceRow(
    .convWeightGradient(
      ConvWeightGradient(window: Window(kernel: [3, 3], pads: [1, 1, 1, 1]), group: 2)),
    ["f32[n,4,8,9]", "f32[n,6,8,9]"], "f32[6,2,3,3]"),
  InferenceRow(
    .convWeightGradient(ConvWeightGradient(window: Window(kernel: [3]))),
    ["f32[2,c,?]", "f32[2,6,?]"], "f32[6,?,3]"),
  InferenceRow(
    .convWeightGradient(ConvWeightGradient()), ["f32[1,4,8,9]", "f32[1,6,8,9]"],
    "error: kernel_shape is not given"),
  InferenceRow(
    .convWeightGradient(ConvWeightGradient(window: Window(kernel: [1, 1]), group: 3)),
    ["f32[1,4,8,9]", "f32[1,6,8,9]"], "error: 4 channels do not divide into 3 groups"),
  InferenceRow(
    .convWeightGradient(ConvWeightGradient(window: Window(kernel: [1, 1]))),
    ["f32[1,4,8,9]", "f32[2,6,8,9]"],
    "error: samples of x and of the gradient: 1 and 2 must be equal"),
  InferenceRow(
    .convWeightGradient(ConvWeightGradient(window: Window(kernel: [1, 1]))),
    ["f32[1,4,8,9]", "f64[1,6,8,9]"], "error: x is f32, the gradient f64"),
  InferenceRow(
    .maxPoolGradient(MaxPoolGradient(window: Window(kernel: [2, 2], strides: [2, 2]))),
    ["f32[n,3,8,9]", "f32[n,3,4,4]"], "f32[n,3,8,9]"),
  InferenceRow(
    .maxPoolGradient(MaxPoolGradient(window: Window(kernel: [2, 2], strides: [2, 2]))),
    ["f32[n,3,8,9]", "f32[n,3,4,5]"], "error: axis 3 of the gradient: 4 and 5 must be equal"),
]
