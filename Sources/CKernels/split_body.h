// Padded copies of planes, split so that a strided convolution reads neighbouring pixels from neighbouring addresses.

V_INLINE void split_planes(const sp_conv_geometry *shared, const float *input, ptrdiff_t first_row, ptrdiff_t rows,
                           float *dst, const int stride) {
  const sp_conv_geometry copy = *shared, *g = &copy;
  ptrdiff_t extent_h = (g->kernel_h - 1) * g->dilation_h, extent_w = (g->kernel_w - 1) * g->dilation_w;
  ptrdiff_t phases_h = v_min_index(g->stride_h, extent_h + 1), phases_w = v_min_index(stride, extent_w + 1);
  ptrdiff_t lines = rows + extent_h / g->stride_h, width = g->out_width + extent_w / stride;
  ptrdiff_t room = g->channels * phases_h * phases_w * lines * width;
  for (ptrdiff_t c = 0; c < g->channels; c++, input += g->plane) {
    for (ptrdiff_t phase_y = 0; phase_y < phases_h; phase_y++) {
      for (ptrdiff_t phase_x = 0; phase_x < phases_w; phase_x++) {
        ptrdiff_t y = first_row * g->stride_h + phase_y - g->pad_top;
        for (ptrdiff_t line = 0; line < lines; line++, y += g->stride_h, dst += width, room -= width) {
          bool inside = y >= 0 && y < g->height;
          im2col_run(inside ? input + y * g->row : input, phase_x - g->pad_left, inside ? g->width : 0, width, dst,
                     room, stride);
        }
      }
    }
  }
}

void SP_VERSION(f32_split)(const sp_conv_geometry *geometry, const float *input, ptrdiff_t first_row, ptrdiff_t rows,
                           float *dst) {
  if (geometry->stride_w == 1) {
    split_planes(geometry, input, first_row, rows, dst, 1);
  } else if (geometry->stride_w == 2) {
    split_planes(geometry, input, first_row, rows, dst, 2);
  } else {
    f32_split__scalar(geometry, input, first_row, rows, dst);
  }
}
