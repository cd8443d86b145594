// Tiles of a convolution's implicit matrix.

// The rows k0..<k1 of one kernel position, `width` vectors of each. All of them have the same masks.
V_INLINE void gather_position(const sp_windows *w, const float *source, ptrdiff_t position, ptrdiff_t k0, ptrdiff_t k1,
                              ptrdiff_t first, float *dst, ptrdiff_t dst_stride, const int width) {
  const uint16_t *masks = w->masks + position * w->mask_stride;
  uint32_t bits[6];
  V_UNROLL for (int j = 0; j < width; j++) {
    ptrdiff_t column = first + j * VL;
    bits[j] = masks[column / 16] >> column % 16;
  }
  ptrdiff_t positions = w->positions, plane = w->plane;
  ptrdiff_t channel = (k0 - position + positions - 1) / positions;
  const float *row = v_at(source, channel * plane + w->shifts[position] + first);
  float *to = dst + (channel * positions + position - k0) * dst_stride;
  for (ptrdiff_t k = channel * positions + position; k < k1; k += positions) {
    V_UNROLL for (int j = 0; j < width; j++) { v_store(to + j * VL, v_load_bits(bits[j], v_at(row, j * VL))); }
    row = v_at(row, plane);
    to += positions * dst_stride;
  }
}

#define GATHER_WINDOWS(width)                                                                                       \
  for (ptrdiff_t position = 0; position < w.positions; position++) {                                                \
    gather_position(&w, source, position, k0, k1, first, dst, dst_stride, width);                                   \
  }                                                                                                                 \
  break

void SP_VERSION(f32_gather_windows)(const sp_windows *windows, const float *source, ptrdiff_t k0, ptrdiff_t k1,
                                    ptrdiff_t first, ptrdiff_t n, float *dst, ptrdiff_t dst_stride) {
  const sp_windows w = *windows;
  while (n > 0) {
    ptrdiff_t vectors = v_min_index((n + VL - 1) / VL, 6);
    switch (vectors) {
      case 1: GATHER_WINDOWS(1);
      case 2: GATHER_WINDOWS(2);
      case 3: GATHER_WINDOWS(3);
      case 4: GATHER_WINDOWS(4);
      case 5: GATHER_WINDOWS(5);
      default: GATHER_WINDOWS(6);
    }
    first += vectors * VL;
    dst += vectors * VL;
    n -= vectors * VL;
  }
}
