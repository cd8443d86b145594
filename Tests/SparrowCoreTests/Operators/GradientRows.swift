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
    .batchNormalizationGradient(BatchNormalizationGradient()),
    ["f32[n,3,8,9]", "f32[3]", "f32[n,3,8,9]"], "f32[n,3,8,9] f32[3] f32[3]", outputs: 3),
  InferenceRow(
    .batchNormalizationGradient(BatchNormalizationGradient()),
    ["f32[2,3]", "f32[4]", "f32[2,3]"],
    "error: channels of x and of scale: 3 and 4 must be equal"),
  InferenceRow(
    .batchNormalizationGradient(BatchNormalizationGradient()),
    ["f32[2,3]", "f64[3]", "f32[2,3]"], "error: x is f32, scale f64, the gradient f32"),
  InferenceRow(
    .convWeightGradient(ConvWeightGradient(window: Window(kernel: [1, 1]))),
    ["f32[1,4,8,9]", "f32[1,6,8,9]", "bool[6,4,1,1]"], "f32[6,4,1,1]"),
  InferenceRow(
    .convWeightGradient(ConvWeightGradient(window: Window(kernel: [1, 1]))),
    ["f32[1,4,8,9]", "f32[1,6,8,9]", "bool[6,5,1,1]"],
    "error: axis 1 of the mask and of the weight: 5 and 4 must be equal"),
  InferenceRow(.masked(Masked()), ["f32[n,3]", "bool[n,3]"], "f32[n,3]"),
  InferenceRow(
    .masked(Masked()), ["f32[2,3]", "f32[2,3]"], "error: the mask is f32, expected bool"),
  InferenceRow(
    .masked(Masked()), ["f32[2,3]", "bool[2,4]"],
    "error: axis 1 of x and of the mask: 3 and 4 must be equal"),
  InferenceRow(
    .maxPoolGradient(MaxPoolGradient(window: Window(kernel: [2, 2], strides: [2, 2]))),
    ["f32[n,3,8,9]", "f32[n,3,4,4]"], "f32[n,3,8,9]"),
  InferenceRow(
    .maxPoolGradient(MaxPoolGradient(window: Window(kernel: [2, 2], strides: [2, 2]))),
    ["f32[n,3,8,9]", "f32[n,3,4,5]"], "error: axis 3 of the gradient: 4 and 5 must be equal"),
]
