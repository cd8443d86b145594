// Padded copies of planes, split so that a strided convolution reads neighbouring pixels from neighbouring addresses.
//
//   a line of the copy   | before: 0 | inputs first, first + stride, ..  count of them | 0 |
//
// Lines are written one after the other in whole vectors: what one writes too far, the next one writes over.

// The part of every line of one column phase that comes from the image.
typedef struct {
  ptrdiff_t before, first, count;
  ptrdiff_t whole;   // how many of `count` are read in vectors that lie inside the image
  window_mask tail;  // of the vector after these
} split_run;

V_INLINE split_run split_run_of(const sp_conv_geometry *g, ptrdiff_t phase, ptrdiff_t line, const int stride) {
  ptrdiff_t outside = v_max_index(0, g->pad_left - phase);
  split_run run = {.before = v_min_index((outside + stride - 1) / stride, line)};
  run.first = run.before * stride + phase - g->pad_left;
  ptrdiff_t inside = (g->width - run.first + stride - 1) / stride;
  run.count = v_max_index(0, v_min_index(inside, line - run.before));
  while (run.whole < run.count && window_is_inside(run.first + run.whole * stride, g->width, stride)) {
    run.whole += VL;
  }
  run.tail = window_inside(run.first + run.whole * stride, g->width, stride);
  return run;
}

V_INLINE void split_put(float *dst, const float *end, vf v) {
  ptrdiff_t room = end - dst;
  if (room >= VL) {
    v_store(dst, v);
  } else if (room > 0) {
    v_store_masked(m_first(room), dst, v);
  }
}

V_INLINE void split_zeros(float *dst, ptrdiff_t from, ptrdiff_t to, const float *end) {
  for (ptrdiff_t i = from; i < to; i += VL) { split_put(dst + i, end, v_zero()); }
}

// One line of a plane of the copy that ends at `end`.
V_INLINE void split_line(const float *row, const split_run *run, float *dst, ptrdiff_t line, const float *end,
                         const int stride) {
  split_zeros(dst, 0, run->before, end);
  ptrdiff_t t = 0;
  for (; t < run->whole; t += VL) {
    split_put(dst + run->before + t, end, window_load(row, run->first + t * stride, stride));
  }
  if (t < run->count) {
    vf v = window_load_masked(row, run->first + t * stride, run->tail, v_zero(), stride);
    split_put(dst + run->before + t, end, v);
    t += VL;
  }
  split_zeros(dst, run->before + t, line, end);
}

V_INLINE void split_planes(const sp_conv_geometry *shared, const float *input, ptrdiff_t first_line,
                           const sp_split *layout, float *dst, const int stride) {
  const sp_conv_geometry copy = *shared, *g = &copy;
  const sp_split to = *layout;
  split_run runs[2] = {split_run_of(g, 0, to.line, stride), split_run_of(g, 1, to.line, stride)};
  for (ptrdiff_t c = 0; c < g->channels; c++, input += g->plane) {
    for (ptrdiff_t phase_y = 0; phase_y < to.phases_h; phase_y++) {
      for (ptrdiff_t phase_x = 0; phase_x < to.phases_w; phase_x++, dst += to.plane) {
        ptrdiff_t y = first_line * g->stride_h + phase_y - g->pad_top;
        for (ptrdiff_t line = 0; line < to.lines; line++, y += g->stride_h) {
          float *at = dst + line * to.line;
          if (y >= 0 && y < g->height) {
            split_line(input + y * g->row, &runs[phase_x], at, to.line, dst + to.plane, stride);
          } else {
            split_zeros(at, 0, to.line, dst + to.plane);
          }
        }
        split_zeros(dst, to.lines * to.line, to.plane, dst + to.plane);
      }
    }
  }
}

void SP_VERSION(f32_split)(const sp_conv_geometry *geometry, const float *input, ptrdiff_t first_line,
                           const sp_split *layout, float *dst) {
  if (geometry->stride_w == 1) {
    split_planes(geometry, input, first_line, layout, dst, 1);
  } else if (geometry->stride_w == 2) {
    split_planes(geometry, input, first_line, layout, dst, 2);
  } else {
    f32_split__scalar(geometry, input, first_line, layout, dst);
  }
}
