// What padded copies, depthwise convolution and pooling share: VL neighbouring output columns' inputs for one kernel column.
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

// VL output columns of a plane, from the first image row to the last: what 3 (or 2) wide kernels without dilation walk
// down, all their rows in registers.
typedef struct {
  const float *input;  // of the first output column, kernel column 0, image row 0; it may lie outside
  float *out;
  window_mask left, middle, right;  // inputs of the kernel's columns
  vm stored;
  bool inside;  // no mask is needed
  bool follows, last;  // whether other columns are before these, and none after
  bool tail;    // stride 2: the input after both loads lies inside
  // How far away the inputs and outputs of the next walk are. They are fetched in this one, because a walk down
  // columns meets no two neighbouring cache lines and nothing else would fetch them early.
  ptrdiff_t next_input, next_out;
} window_columns;

V_INLINE window_columns window_columns_at(const sp_conv_geometry *g, const float *plane, float *out,
                                          ptrdiff_t out_plane, ptrdiff_t ox, const int stride) {
  ptrdiff_t x = ox * stride - g->pad_left;
  bool last = ox + VL >= g->out_width;
  return (window_columns){.input = v_at(plane, x),
                          .out = out + ox,
                          .left = window_inside(x, g->width, stride),
                          .middle = window_inside(x + 1, g->width, stride),
                          .right = window_inside(x + 2, g->width, stride),
                          .stored = m_first(g->out_width - ox),
                          .inside = x >= 0 && x + 2 + VL * stride <= g->width && ox + VL <= g->out_width,
                          .follows = ox > 0,
                          .last = last,
                          .tail = x + 2 * VL < g->width,
                          .next_input = last ? g->plane - ox * stride : VL * stride,
                          .next_out = last ? out_plane - ox : VL};
}

// `p` is an input row of this walk. Narrow planes, of which two share a walk, are near enough without.
V_INLINE void window_fetch(const window_columns *c, const float *p, const int stride, const int planes) {
  if (planes == 1) {
    __builtin_prefetch(v_at(p, c->next_input));
    if (stride == 2) {
      __builtin_prefetch(v_at(p, c->next_input + VL));
    }
  }
}

V_INLINE void window_store(const window_columns *c, float *out, ptrdiff_t out_plane, vf v, const int planes,
                           const bool edge) {
  if (planes == 1) {
    __builtin_prefetch(v_at(out, c->next_out), 1);
  }
  if (edge) {
    v_store_masked(c->stored, out, v);
  } else {
    v_store(out, v);
  }
  if (planes == 2) {
    v_store_masked(c->stored, out + out_plane, v_upper(v));
  }
}
