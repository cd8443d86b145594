// What im2col, depthwise convolution and pooling share: VL neighbouring output columns' inputs for one kernel column.
//
//   stride 1    input   |  x  x+1 x+2 .. |                       one load
//   stride 2    input   |  x  .  x+2 .  | x+2VL-2 . |            two loads, even lanes kept
//
// Lanes outside the image are not read: they become the padding value.

typedef struct {
  vm first, second;  // the lanes of the one or two loads that lie inside the row
} window_mask;

V_INLINE window_mask window_inside(ptrdiff_t x, ptrdiff_t width, const int stride) {
  window_mask m = {m_window(-x, width - x), m_none()};
  if (stride == 2) {
    m.second = m_window(-x - VL, width - x - VL);
  }
  return m;
}

// Whether VL output columns starting at input column x need no mask.
V_INLINE bool window_is_inside(ptrdiff_t x, ptrdiff_t width, const int stride) {
  return x >= 0 && x + VL * stride <= width;
}

V_INLINE vf window_load(const float *row, ptrdiff_t x, const int stride) {
  const float *p = v_at(row, x);
  return stride == 1 ? v_load(p) : v_even(v_load(p), v_load(p + VL));
}

V_INLINE vf window_load_masked(const float *row, ptrdiff_t x, window_mask m, vf padding, const int stride) {
  const float *p = v_at(row, x);
  vf v = v_load_or(m.first, p, padding);
  return stride == 1 ? v : v_even(v, v_load_or(m.second, v_at(p, VL), padding));
}

V_INLINE window_mask window_if(bool inside, window_mask m) { return inside ? m : (window_mask){m_none(), m_none()}; }
