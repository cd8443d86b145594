import SparrowCore

let movementRows: [InferenceRow] =
  [
    InferenceRow(.nonZero(NonZero()), ["f32[2,n,3]"], "i64[3,?]"),
    InferenceRow(.trilu(Trilu()), ["f16[b,4,5]"], "f16[b,4,5]"),
    InferenceRow(
      .trilu(Trilu()), ["f16[4]"], "error: x has rank 1, expected 2 or more"),
  ] + scatterRows + resamplingRows
