// One row of the im2col matrix is a sequence of runs, each inside one output row.

V_INLINE void im2col_run(const float *row, ptrdiff_t x, ptrdiff_t width, ptrdiff_t length, float *dst, ptrdiff_t room,
                         const int stride) {
  for (ptrdiff_t t = 0; t < length; t += VL, x += VL * stride) {
    vf v;
    if (window_is_inside(x, width, stride)) {
      v = window_load(row, x, stride);
    } else {
      v = window_load_masked(row, x, window_inside(x, width, stride), v_zero(), stride);
    }
    // Whole vectors are stored while the destination row has room: what is written too far is written again.
    if (t + VL <= room) {
      v_store(dst + t, v);
    } else {
      v_store_masked(m_first(room - t), dst + t, v);
    }
  }
}

V_INLINE void im2col_rows(const sp_conv_geometry *shared, const float *input, ptrdiff_t k0, ptrdiff_t k1, ptrdiff_t p0,
                          ptrdiff_t count, float *dst, ptrdiff_t dst_stride, const int stride) {
  const sp_conv_geometry copy = *shared, *g = &copy;
  ptrdiff_t first_y = p0 / g->out_width, first_x = p0 % g->out_width;
  ptrdiff_t kx = k0 % g->kernel_w, ky = k0 / g->kernel_w % g->kernel_h;
  const float *plane = input + k0 / g->kernel_w / g->kernel_h * g->plane;
  for (ptrdiff_t kk = k0; kk < k1; kk++, dst += dst_stride) {
    ptrdiff_t oy = first_y, ox = first_x;
    for (ptrdiff_t j = 0; j < count;) {
      ptrdiff_t length = v_min_index(g->out_width - ox, count - j);
      ptrdiff_t y = oy * g->stride_h - g->pad_top + ky * g->dilation_h;
      ptrdiff_t x = ox * stride - g->pad_left + kx * g->dilation_w;
      bool inside = y >= 0 && y < g->height;
      im2col_run(inside ? plane + y * g->row : plane, x, inside ? g->width : 0, length, dst + j, dst_stride - j,
                 stride);
      j += length;
      ox = 0;
      oy++;
    }
    for (ptrdiff_t j = count; j < dst_stride; j += VL) {
      v_store_masked(m_first(dst_stride - j), dst + j, v_zero());
    }
    if (++kx == g->kernel_w) {
      kx = 0;
      if (++ky == g->kernel_h) {
        ky = 0;
        plane += g->plane;
      }
    }
  }
}

void SP_VERSION(f32_im2col)(const sp_conv_geometry *geometry, const float *input, ptrdiff_t k0, ptrdiff_t k1,
                            ptrdiff_t p0, ptrdiff_t count, float *dst, ptrdiff_t dst_stride) {
  sp_conv_geometry g = *geometry;
  if (g.stride_w > 2) {
    f32_im2col__scalar(geometry, input, k0, k1, p0, count, dst, dst_stride);
    return;
  }
  bool pointwise = g.kernel_h == 1 && g.kernel_w == 1 && g.stride_h == 1 && g.stride_w == 1 && g.pad_top == 0 &&
                   g.pad_left == 0 && g.row == g.width && g.out_width == g.width && g.out_height == g.height;
  if (pointwise) {  // a plane is one long row
    g.width *= g.height;
    g.out_width = g.width;
    g.height = g.out_height = 1;
  }
  if (g.stride_w == 1) {
    im2col_rows(&g, input, k0, k1, p0, count, dst, dst_stride, 1);
  } else {
    im2col_rows(&g, input, k0, k1, p0, count, dst, dst_stride, 2);
  }
}
