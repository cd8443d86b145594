// Pooling of one plane, VL output columns at a time.

V_INLINE void max_pool(const sp_conv_geometry *g, const float *plane, float *out, ptrdiff_t out_row_stride,
                       const int stride) {
  vf lowest = v_set1(-__builtin_inff());
  for (ptrdiff_t oy = 0; oy < g->out_height; oy++) {
    for (ptrdiff_t ox = 0; ox < g->out_width; ox += VL) {
      vf best = lowest;
      for (ptrdiff_t ky = 0; ky < g->kernel_h; ky++) {
        ptrdiff_t y = oy * g->stride_h - g->pad_top + ky * g->dilation_h, x = ox * stride - g->pad_left;
        if (y < 0 || y >= g->height) {
          continue;
        }
        const float *row = plane + y * g->row;
        for (ptrdiff_t kx = 0; kx < g->kernel_w; kx++, x += g->dilation_w) {
          vf v = window_is_inside(x, g->width, stride)
                     ? window_load(row, x, stride)
                     : window_load_masked(row, x, window_inside(x, g->width, stride), lowest, stride);
          best = v_max_nan(best, v);
        }
      }
      v_store_masked(m_first(g->out_width - ox), out + oy * out_row_stride + ox, best);
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

V_INLINE void average_pool(const sp_conv_geometry *g, const float *plane, bool count_include_pad, ptrdiff_t pad_bottom,
                           ptrdiff_t pad_right, float *out, ptrdiff_t out_row_stride, const int stride) {
  ptrdiff_t left = count_include_pad ? -g->pad_left : 0, right = g->width + (count_include_pad ? pad_right : 0);
  ptrdiff_t top = count_include_pad ? -g->pad_top : 0, bottom = g->height + (count_include_pad ? pad_bottom : 0);
  for (ptrdiff_t ox = 0; ox < g->out_width; ox += VL) {
    vf columns = pool_columns(g, ox, left, right, stride);
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
          sum += window_is_inside(x, g->width, stride)
                     ? window_load(row, x, stride)
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
  if (g->stride_w == 1) {
    max_pool(g, plane, out, out_row_stride, 1);
  } else if (g->stride_w == 2) {
    max_pool(g, plane, out, out_row_stride, 2);
  } else {
    f32_max_pool__scalar(g, plane, out, out_row_stride);
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
