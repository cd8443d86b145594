// Pooling of one plane, VL output columns at a time, down all its rows.

// Whether the windows of VL output columns from input column x on lie inside the rows.
V_INLINE bool pool_is_inside(const sp_conv_geometry *g, ptrdiff_t x, const int stride) {
  return x >= 0 && x + (g->kernel_w - 1) * g->dilation_w + VL * stride <= g->width;
}

// `size` is the height and width of an undilated kernel, or 0 for those in the geometry.
V_INLINE void max_pool(const sp_conv_geometry *shared, const float *plane, float *out, ptrdiff_t out_row_stride,
                       const int stride, const int size) {
  const sp_conv_geometry copy = *shared, *g = &copy;
  const ptrdiff_t kernel_h = size ? size : g->kernel_h, kernel_w = size ? size : g->kernel_w;
  const ptrdiff_t dilation_h = size ? 1 : g->dilation_h, dilation_w = size ? 1 : g->dilation_w;
  vf lowest = v_set1(-__builtin_inff());
  for (ptrdiff_t ox = 0; ox < g->out_width; ox += VL) {
    ptrdiff_t x = ox * stride - g->pad_left;
    bool inside = pool_is_inside(g, x, stride);
    vm stored = m_first(g->out_width - ox);
    for (ptrdiff_t oy = 0; oy < g->out_height; oy++) {
      vf best = lowest;
      for (ptrdiff_t ky = 0; ky < kernel_h; ky++) {
        ptrdiff_t y = oy * g->stride_h - g->pad_top + ky * dilation_h;
        if (y < 0 || y >= g->height) {
          continue;
        }
        const float *row = plane + y * g->row;
        for (ptrdiff_t kx = 0; kx < kernel_w; kx++) {
          ptrdiff_t at = x + kx * dilation_w;
          vf v = inside ? window_load(row, at, stride)
                        : window_load_masked(row, at, window_inside(at, g->width, stride), lowest, stride);
          best = v_max_nan(best, v);
        }
      }
      v_store_masked(stored, out + oy * out_row_stride + ox, best);
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

void SP_VERSION(f32_max_pool)(const sp_conv_geometry *g, const float *plane, float *out, ptrdiff_t out_row_stride) {
  bool square = g->kernel_h == g->kernel_w && g->dilation_h == 1 && g->dilation_w == 1;
  if (g->stride_w > 2) {
    f32_max_pool__scalar(g, plane, out, out_row_stride);
  } else if (g->stride_w == 1) {
    max_pool(g, plane, out, out_row_stride, 1, 0);
  } else if (square && g->kernel_w == 2) {
    max_pool(g, plane, out, out_row_stride, 2, 2);
  } else if (square && g->kernel_w == 3) {
    max_pool(g, plane, out, out_row_stride, 2, 3);
  } else {
    max_pool(g, plane, out, out_row_stride, 2, 0);
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
