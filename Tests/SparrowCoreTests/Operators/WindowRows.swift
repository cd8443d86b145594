import SparrowCore

private func with<T>(_ value: T, _ change: (inout T) -> Void) -> T {
  var value = value
  change(&value)
  return value
}

private let crop = with(Resize()) { $0.coordinates = .cropAndResize }
private let twoAxes = with(Resize()) { $0.axes = [-1, 1] }

private func fitted(_ policy: Resize.AspectRatio) -> Op {
  .resize(
    with(Resize()) {
      $0.axes = [2, 3]
      $0.aspectRatio = policy
    })
}

/// Sliding windows, resampling and detection.
let resamplingRows: [InferenceRow] = [
  InferenceRow(
    .pool(Pool(.max, window: Window(kernel: [2, 2]))), ["u8[n,3,8,8]"],
    "u8[n,3,7,7] i64[n,3,7,7]", outputs: 2),
  InferenceRow(
    .lpPool(LpPool(window: Window(kernel: [3], strides: [2]))), ["f32[n,3,8]"], "f32[n,3,3]"),
  InferenceRow(
    .lpPool(with(LpPool(window: Window(kernel: [3]))) { $0.p = 0 }), ["f32[n,3,8]"],
    "error: p is 0, expected 1 or more"),
  InferenceRow(.globalLpPool(GlobalLpPool()), ["f16[n,3,h,w]"], "f16[n,3,1,1]"),
  InferenceRow(
    .maxUnpool(
      with(MaxUnpool()) {
        $0.kernel = [2, 2]
        $0.strides = [2, 2]
      }), ["f32[n,3,2,h]", "i64[n,3,2,h]"], "f32[n,3,4,?]"),
  InferenceRow(
    .maxUnpool(with(MaxUnpool()) { $0.kernel = [2, 2] }),
    ["f32[1,1,2,2]", "i64[1,1,2,2]", .ints([1, 1, 5, 5])], "f32[1,1,5,5]"),
  InferenceRow(
    .col2Im(Col2Im()), ["f32[n,12,9]", .ints([4, 4]), .ints([2, 2])], "f32[n,3,4,4]"),
  InferenceRow(.col2Im(Col2Im()), ["f32[n,12,9]", "i64[2]", "i64[2]"], "f32[n,?,?,?]"),
  InferenceRow(
    .col2Im(Col2Im()), ["f32[n,10,9]", .ints([4, 4]), .ints([2, 2])],
    "error: x has 10 rows, which do not divide by 4"),
  InferenceRow(
    .deformConv(DeformConv()), ["f32[n,2,5,5]", "f32[4,2,3,3]", "f32[n,18,3,3]"], "f32[n,4,3,3]"),
  InferenceRow(
    .gridSample(GridSample()), ["f32[n,3,h,w]", "f32[n,5,6,2]"], "f32[n,3,5,6]"),
  InferenceRow(
    .gridSample(GridSample()), ["f32[n,3,h,w]", "f32[n,5,6,3]"],
    "error: coordinates of a point: 2 and 3 must be equal"),
  InferenceRow(
    .affineGrid(AffineGrid()), ["f32[n,2,3]", .ints([2, 3, 5, 6])], "f32[2,5,6,2]"),
  InferenceRow(.affineGrid(AffineGrid()), ["f32[n,3,4]", "i64[5]"], "f32[n,?,?,?,3]"),
  InferenceRow(
    .roiAlign(with(RoiAlign()) { ($0.height, $0.width) = (2, 3) }),
    ["f32[n,4,h,w]", "f32[r,4]", "i64[r]"], "f32[r,4,2,3]"),
  InferenceRow(
    .roiAlign(with(RoiAlign()) { $0.height = 0 }), ["f32[n,4,h,w]", "f32[r,4]", "i64[r]"],
    "error: output_height is 0 and output_width 1"),
  InferenceRow(
    .maxRoiPool(with(MaxRoiPool()) { $0.pooledShape = [2, 3] }), ["f32[n,4,h,w]", "f32[r,5]"],
    "f32[r,4,2,3]"),
  InferenceRow(
    .nonMaxSuppression(NonMaxSuppression()), ["f32[n,100,4]", "f32[n,3,100]"], "i64[?,3]"),
  InferenceRow(
    .nonMaxSuppression(NonMaxSuppression()), ["f32[n,100,4]", "f32[n,3,99]"],
    "error: numbers of boxes and scores: 100 and 99 must be equal"),
  InferenceRow(
    .tfIdfVectorizer(with(TfIdfVectorizer()) { $0.positions = [0, 4, 2] }), ["i32[n,9]"],
    "f32[n,5]"),
  InferenceRow(
    .resize(twoAxes), ["f32[2,3,h,5]", .absent, .absent, .ints([7, 4])], "f32[2,4,h,7]"),
  InferenceRow(
    .resize(twoAxes), ["f32[2,3,h,5]", .absent, .floats([2, 3])], "f32[2,9,h,10]"),
  InferenceRow(
    fitted(.notLarger), ["f32[1,1,2,4]", .absent, .absent, .ints([7, 8])],
    "f32[1,1,4,8]"),
  InferenceRow(
    fitted(.notSmaller), ["f32[1,1,2,4]", .absent, .absent, .ints([7, 8])],
    "f32[1,1,7,14]"),
  InferenceRow(
    .resize(crop), ["f32[4]", .floats([0.25, 0.75]), .floats([3])], "f32[6]"),
  InferenceRow(.resize(crop), ["f32[4]", "f32[2]", .floats([3])], "f32[?]"),
  InferenceRow(
    .resize(Resize()), ["f32[4]", .absent, .floats([1, 2])],
    "error: scales must be 1 floating-point numbers"),
]
