// Pooling, VL output columns of a plane at a time, down all its rows.

// Whether the windows of VL output columns from input column x on lie inside the rows.
V_INLINE bool pool_is_inside(const sp_conv_geometry *g, ptrdiff_t x, const int stride) {
  return x >= 0 && x + (g->kernel_w - 1) * g->dilation_w + VL * stride <= g->width;
}

V_INLINE void max_pool(const sp_conv_geometry *shared, const float *plane, float *out, ptrdiff_t out_row_stride,
                       const int stride) {
  const sp_conv_geometry copy = *shared, *g = &copy;
  vf lowest = v_set1(-__builtin_inff());
  for (ptrdiff_t ox = 0; ox < g->out_width; ox += VL) {
    ptrdiff_t x = ox * stride - g->pad_left;
    bool inside = pool_is_inside(g, x, stride);
    vm stored = m_first(g->out_width - ox);
    for (ptrdiff_t oy = 0; oy < g->out_height; oy++) {
      vf best = lowest;
      for (ptrdiff_t ky = 0; ky < g->kernel_h; ky++) {
        ptrdiff_t y = oy * g->stride_h - g->pad_top + ky * g->dilation_h;
        if (y < 0 || y >= g->height) {
          continue;
        }
        const float *row = plane + y * g->row;
        for (ptrdiff_t kx = 0; kx < g->kernel_w; kx++) {
          ptrdiff_t at = x + kx * g->dilation_w;
          vf v = inside ? window_load(row, at, stride)
                        : window_load_masked(row, at, window_inside(at, g->width, stride), lowest, stride);
          best = v_max_nan(best, v);
        }
      }
      v_store_masked(stored, out + oy * out_row_stride + ox, best);
    }
  }
}

// Stride 2, 3x3 or 2x2: rows first, and then the even, odd and next even columns of their maxima. A row that two
// outputs see is loaded once. Two planes share a vector where their output rows fill half of one at most.
typedef struct {
  vf lo, hi, tail;  // of two planes: lo of the first, hi of the second
} pool_row;

V_INLINE pool_row pool_row_max(pool_row a, const window_columns *c, const float *p, ptrdiff_t plane, const int size,
                               const int planes, const bool edge) {
  vf lowest = v_set1(-__builtin_inff());
  window_fetch(c, p, 2, planes);
  const float *second = planes == 2 ? v_at(p, plane) : v_at(p, VL);
  a.lo = v_max_nan(a.lo, edge ? v_load_or(c->left.first, p, lowest) : v_load(p));
  a.hi = v_max_nan(a.hi, edge ? v_load_or(planes == 2 ? c->left.first : c->left.second, second, lowest)
                              : v_load(second));
  if (size == 3 && planes == 1 && (!edge || c->tail)) {
    a.tail = v_max_nan(a.tail, v_set1(*v_at(p, 2 * VL)));
  }
  return a;
}

V_INLINE void pool_walk(const sp_conv_geometry *g, const window_columns *c, ptrdiff_t out_plane,
                        ptrdiff_t out_row_stride, const int size, const int planes, const bool edge) {
  const vf lowest = v_set1(-__builtin_inff());
  const pool_row empty = {lowest, lowest, lowest};
  pool_row best = empty;
  ptrdiff_t y = -g->pad_top;
  const float *p = v_at(c->input, y * g->row);
  if (size == 3 && y >= 0) {
    best = pool_row_max(empty, c, p, g->plane, size, planes, edge);
  }
  for (ptrdiff_t oy = 0; oy < g->out_height; oy++) {
    // The last row of a 3x3 window is the first one of the next.
    pool_row next = empty;
    V_UNROLL for (int i = size - 2; i < size; i++) {
      if ((size_t)(y + i) < (size_t)g->height) {
        pool_row *into = size == 3 && i == 2 ? &next : &best;
        *into = pool_row_max(*into, c, v_at(p, i * g->row), g->plane, size, planes, edge);
      }
    }
    if (size == 3) {
      best = (pool_row){v_max_nan(best.lo, next.lo), v_max_nan(best.hi, next.hi), v_max_nan(best.tail, next.tail)};
    }
    vf even = v_even(best.lo, best.hi), v = v_max_nan(even, v_odd(best.lo, best.hi));
    if (size == 3) {
      v = v_max_nan(v, v_shift(even, best.tail));
    }
    window_store(c, c->out + oy * out_row_stride, out_plane, v, planes, edge);
    best = next;
    y += 2;
    p = v_at(p, 2 * g->row);
  }
}

V_INLINE void max_pool_planes(const sp_conv_geometry *shared, ptrdiff_t planes, const float *input, float *out,
                              ptrdiff_t out_plane, ptrdiff_t out_row_stride, const int size) {
  const sp_conv_geometry copy = *shared, *g = &copy;
  ptrdiff_t i = 0;
  // One lane stays free, because the columns after it are the second plane's.
  if (g->out_width < VL / 2) {
    for (; i + 2 <= planes; i += 2, input += 2 * g->plane, out += 2 * out_plane) {
      window_columns c = window_columns_at(g, input, out, out_plane, 0, 2);
      pool_walk(g, &c, out_plane, out_row_stride, size, 2, true);
    }
  }
  for (; i < planes; i++, input += g->plane, out += out_plane) {
    for (ptrdiff_t ox = 0; ox < g->out_width; ox += VL) {
      window_columns c = window_columns_at(g, input, out, out_plane, ox, 2);
      if (c.inside) {
        pool_walk(g, &c, out_plane, out_row_stride, size, 1, false);
      } else {
        pool_walk(g, &c, out_plane, out_row_stride, size, 1, true);
      }
    }
  }
}

// How many of the kernel's columns lie in left..<right, for each of VL output columns.
V_INLINE vf pool_columns(const sp_conv_geometry *g, ptrdiff_t ox, ptrdiff_t left, ptrdiff_t right, const int stride) {
  vi x = (v_iota() + (int)ox) * stride - (int)g->pad_left;
  vi counted = (vi)0;
  for (ptrdiff_t kx = 0; kx < g->kernel_w; kx++, x += (int)g->dilation_w) {
    counted -= (x >= (int)left) & (x < (int)right);
  }
  return __builtin_convertvector(counted, vf);
}

V_INLINE void average_pool(const sp_conv_geometry *shared, const float *plane, bool count_include_pad,
                           ptrdiff_t pad_bottom, ptrdiff_t pad_right, float *out, ptrdiff_t out_row_stride,
                           const int stride) {
  const sp_conv_geometry copy = *shared, *g = &copy;
  ptrdiff_t left = count_include_pad ? -g->pad_left : 0, right = g->width + (count_include_pad ? pad_right : 0);
  ptrdiff_t top = count_include_pad ? -g->pad_top : 0, bottom = g->height + (count_include_pad ? pad_bottom : 0);
  for (ptrdiff_t ox = 0; ox < g->out_width; ox += VL) {
    vf columns = pool_columns(g, ox, left, right, stride);
    bool inside = pool_is_inside(g, ox * stride - g->pad_left, stride);
    for (ptrdiff_t oy = 0; oy < g->out_height; oy++) {
      vf sum = v_zero();
      ptrdiff_t rows = 0;
      for (ptrdiff_t ky = 0; ky < g->kernel_h; ky++) {
        ptrdiff_t y = oy * g->stride_h - g->pad_top + ky * g->dilation_h, x = ox * stride - g->pad_left;
        rows += y >= top && y < bottom;
        if (y < 0 || y >= g->height) {
          continue;
        }
        const float *row = plane + y * g->row;
        for (ptrdiff_t kx = 0; kx < g->kernel_w; kx++, x += g->dilation_w) {
          sum += inside ? window_load(row, x, stride)
                        : window_load_masked(row, x, window_inside(x, g->width, stride), v_zero(), stride);
        }
      }
      vf divisor = columns * (float)rows;
      v_store_masked(m_first(g->out_width - ox), out + oy * out_row_stride + ox,
                     divisor > 0.0f ? sum / divisor : v_zero());
    }
  }
}

static void max_pool_3x3(const sp_conv_geometry *g, ptrdiff_t planes, const float *input, float *out,
                         ptrdiff_t out_plane, ptrdiff_t out_row_stride) {
  max_pool_planes(g, planes, input, out, out_plane, out_row_stride, 3);
}
static void max_pool_2x2(const sp_conv_geometry *g, ptrdiff_t planes, const float *input, float *out,
                         ptrdiff_t out_plane, ptrdiff_t out_row_stride) {
  max_pool_planes(g, planes, input, out, out_plane, out_row_stride, 2);
}

void SP_VERSION(f32_max_pool)(const sp_conv_geometry *g, ptrdiff_t planes, const float *input, float *out,
                              ptrdiff_t out_plane, ptrdiff_t out_row_stride) {
  bool halves = g->kernel_h == g->kernel_w && g->dilation_h == 1 && g->dilation_w == 1 && g->stride_h == 2 &&
                g->stride_w == 2;
  if (g->stride_w > 2) {
    f32_max_pool__scalar(g, planes, input, out, out_plane, out_row_stride);
  } else if (halves && g->kernel_w == 3) {
    max_pool_3x3(g, planes, input, out, out_plane, out_row_stride);
  } else if (halves && g->kernel_w == 2) {
    max_pool_2x2(g, planes, input, out, out_plane, out_row_stride);
  } else {
    for (ptrdiff_t i = 0; i < planes; i++, input += g->plane, out += out_plane) {
      if (g->stride_w == 1) {
        max_pool(g, input, out, out_row_stride, 1);
      } else {
        max_pool(g, input, out, out_row_stride, 2);
      }
    }
  }
}

void SP_VERSION(f32_average_pool)(const sp_conv_geometry *g, const float *plane, bool count_include_pad,
                                  ptrdiff_t pad_bottom, ptrdiff_t pad_right, float *out, ptrdiff_t out_row_stride) {
  if (g->stride_w == 1) {
    average_pool(g, plane, count_include_pad, pad_bottom, pad_right, out, out_row_stride, 1);
  } else if (g->stride_w == 2) {
    average_pool(g, plane, count_include_pad, pad_bottom, pad_right, out, out_row_stride, 2);
  } else {
    f32_average_pool__scalar(g, plane, count_include_pad, pad_bottom, pad_right, out, out_row_stride);
  }
}
