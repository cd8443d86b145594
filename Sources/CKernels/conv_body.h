// Convolutions that read their input where it lies: step k of the reduction is at offsets[k] from a pixel's own address.
//
//   f32_conv_rows       rows of sums are channels, vectors are pixels     weights broadcast, pixels loaded
//   f32_conv_columns    rows of sums are pixels, vectors are channels     pixels broadcast, weights loaded
//
// The second wastes nothing on rows of 7, 14, 28 or 56 pixels, but has to turn its tiles before it stores them.

// The address is made before the loads: an FMA with base and index in its operand would be split in two.
V_INLINE const float *conv_address(const float *x, int32_t offset) {
  const float *p = x + offset;
  __asm__("" : "+r"(p));
  return p;
}

// The last vector is read through `mask` when `masked`. `ahead` also asks for the next tile's pixels.
V_INLINE void conv_rows_sum(const sp_direct_conv *c, const float *a, const float *x, float *tile, vm mask,
                            const int rows, const int vectors, const bool masked, const bool ahead) {
  vf sum[GEMM_MR][GEMM_NV];
  V_UNROLL for (int i = 0; i < rows; i++) {
    V_UNROLL for (int j = 0; j < vectors; j++) { sum[i][j] = v_zero(); }
  }
  const int32_t *offset = c->offsets;
  V_NO_UNROLL for (ptrdiff_t k = c->k; k > 0; k--) {
    const float *p = conv_address(x, *offset++);
    vf b[GEMM_NV];
    V_UNROLL for (int j = 0; j < vectors; j++) {
      b[j] = masked && j == vectors - 1 ? v_load_masked(mask, p + j * VL) : v_load(p + j * VL);
    }
    if (ahead) {
      V_UNROLL for (int j = 0; j < GEMM_NR; j += 16) { __builtin_prefetch(v_at(p, GEMM_NR + j), 0, 3); }
    }
    V_UNROLL for (int i = 0; i < rows; i++) {
      vf av = v_set1(a[i]);
      V_UNROLL for (int j = 0; j < vectors; j++) { sum[i][j] = v_fma(av, b[j], sum[i][j]); }
    }
    a += GEMM_MR;
  }
  V_UNROLL for (int i = 0; i < rows; i++) {
    V_UNROLL for (int j = 0; j < vectors; j++) { v_store(tile + i * GEMM_NR + j * VL, sum[i][j]); }
  }
}

// Adds k steps to a tile of `pixels` rows of GEMM_NR sums; one line at `next` is asked for each step. With few pixels
// memory is what the sums wait for, and the weights some steps ahead are asked for instead.
V_INLINE void conv_columns_sum(ptrdiff_t k, const int32_t *offset, const float *x, const float *b, float *tile,
                               const char *next, ptrdiff_t next_step, const int pixels, const bool first) {
  vf sum[GEMM_MR][GEMM_NV];
  V_UNROLL for (int i = 0; i < pixels; i++) {
    V_UNROLL for (int j = 0; j < GEMM_NV; j++) {
      sum[i][j] = first ? v_zero() : v_load(tile + i * GEMM_NR + j * VL);
    }
  }
  V_NO_UNROLL for (; k > 0; k--) {
    const float *p = conv_address(x, *offset++);
    vf bv[GEMM_NV];
    V_UNROLL for (int j = 0; j < GEMM_NV; j++) { bv[j] = v_load(b + j * VL); }
    if (pixels <= 2) {
      V_UNROLL for (int j = 0; j < GEMM_NR; j += 16) { __builtin_prefetch(v_at(b, 16 * GEMM_NR + j), 0, 3); }
    } else {
      __builtin_prefetch(next, 0, 2);
      next += next_step;
    }
    V_UNROLL for (int i = 0; i < pixels; i++) {
      vf av = v_set1(p[i]);
      V_UNROLL for (int j = 0; j < GEMM_NV; j++) { sum[i][j] = v_fma(av, bv[j], sum[i][j]); }
    }
    b += GEMM_NR;
  }
  V_UNROLL for (int i = 0; i < pixels; i++) {
    V_UNROLL for (int j = 0; j < GEMM_NV; j++) { v_store(tile + i * GEMM_NR + j * VL, sum[i][j]); }
  }
}

typedef void conv_rows_function(const sp_direct_conv *c, const float *a, const float *x, float *tile, vm mask);
typedef void conv_columns_function(ptrdiff_t k, const int32_t *offset, const float *x, const float *b, float *tile,
                                   const char *next, ptrdiff_t next_step);

#define CONV_VARIANTS(n)                                                                                            \
  static void conv_rows_##n##_ahead(const sp_direct_conv *c, const float *a, const float *x, float *t, vm mask) {    \
    conv_rows_sum(c, a, x, t, mask, n, GEMM_NV, false, true);                                                       \
  }                                                                                                                 \
  static void conv_rows_##n##_full(const sp_direct_conv *c, const float *a, const float *x, float *t, vm mask) {     \
    conv_rows_sum(c, a, x, t, mask, n, GEMM_NV, false, false);                                                      \
  }                                                                                                                 \
  static void conv_rows_##n##_most(const sp_direct_conv *c, const float *a, const float *x, float *t, vm mask) {     \
    conv_rows_sum(c, a, x, t, mask, n, GEMM_NV, true, false);                                                       \
  }                                                                                                                 \
  static void conv_rows_##n##_half(const sp_direct_conv *c, const float *a, const float *x, float *t, vm mask) {     \
    conv_rows_sum(c, a, x, t, mask, n, 1, true, false);                                                             \
  }                                                                                                                 \
  static void conv_columns_##n##_first(ptrdiff_t k, const int32_t *offset, const float *x, const float *b, float *t, \
                                       const char *next, ptrdiff_t next_step) {                                     \
    conv_columns_sum(k, offset, x, b, t, next, next_step, n, true);                                                 \
  }                                                                                                                 \
  static void conv_columns_##n##_more(ptrdiff_t k, const int32_t *offset, const float *x, const float *b, float *t,  \
                                      const char *next, ptrdiff_t next_step) {                                      \
    conv_columns_sum(k, offset, x, b, t, next, next_step, n, false);                                                \
  }
#if SP_GEMM_ROWS > 8
#define CONV_EACH_TALL(X) X(9) X(10) X(11) X(12) X(13) X(14)
#else
#define CONV_EACH_TALL(X)
#endif
#if SP_GEMM_ROWS > 6
#define CONV_EACH_HIGH(X) X(7) X(8)
#else
#define CONV_EACH_HIGH(X)
#endif
#define CONV_EACH(X) X(1) X(2) X(3) X(4) X(5) X(6) CONV_EACH_HIGH(X) CONV_EACH_TALL(X)
CONV_EACH(CONV_VARIANTS)

#define CONV_ROWS_ENTRY(n) {conv_rows_##n##_half, conv_rows_##n##_most, conv_rows_##n##_full, conv_rows_##n##_ahead},
static conv_rows_function *const conv_rows_sums[GEMM_MR][4] = {CONV_EACH(CONV_ROWS_ENTRY)};
#define CONV_COLUMNS_ENTRY(n) {conv_columns_##n##_more, conv_columns_##n##_first},
static conv_columns_function *const conv_columns_sums[GEMM_MR][2] = {CONV_EACH(CONV_COLUMNS_ENTRY)};

// Channels inside pixels: a tile's input stays in L1 while all weights, which are few, pass by.
void SP_VERSION(f32_conv_rows)(const sp_direct_conv *shared, const sp_epilogue *epilogue) {
  const sp_direct_conv copy = *shared, *c = &copy;
  float tile[GEMM_MR * GEMM_NR] __attribute__((aligned(64)));
  for (ptrdiff_t row = 0; row < c->rows; row++) {
    for (ptrdiff_t column = 0; column < c->columns; column += GEMM_NR) {
      ptrdiff_t n = v_min_index(GEMM_NR, c->columns - column);
      const float *x = c->x + row * c->row + column;
      ptrdiff_t pixel = row * c->out_row + column;
      for (ptrdiff_t channel = 0; channel < c->outputs; channel += GEMM_MR) {
        ptrdiff_t m = v_min_index(GEMM_MR, c->outputs - channel);
        int variant = n <= VL ? 0 : n < GEMM_NR ? 1 : channel > 0 ? 2 : 3;
        conv_rows_sums[m - 1][variant](c, c->weights + channel * c->k, x, tile,
                                       m_first(n - (variant == 0 ? 0 : GEMM_NR - VL)));
        sp_epilogue e = *epilogue;
        e.row_bias = e.row_bias ? e.row_bias + channel : NULL;
        e.residual = e.residual ? e.residual + channel * e.residual_stride + pixel : NULL;
        gemm_finish(tile, c->y + channel * c->out_plane + pixel, c->out_plane, m, n, &e);
      }
    }
  }
}

// Turns and stores a tile: VL channels of VL pixels at a time. Rows of the tile after `pixels` are read, not used.
static __attribute__((noinline)) void conv_columns_finish(const float *tile, float *y, ptrdiff_t out_plane,
                                                          ptrdiff_t pixels, ptrdiff_t channels,
                                                          const sp_epilogue *epilogue) {
  sp_epilogue e = *epilogue;
  vf lo = v_set1(e.lo), hi = v_set1(e.hi);
  for (ptrdiff_t channel = 0; channel < channels; channel += VL) {
    ptrdiff_t present = channels - channel;
    vf bias = e.row_bias ? v_load_masked(m_first(present), e.row_bias + channel) : v_zero();
    for (ptrdiff_t pixel = 0; pixel < pixels; pixel += VL) {
      vm mask = m_first(pixels - pixel);
      vf r[VL];
      V_UNROLL for (int i = 0; i < VL; i++) { r[i] = v_load(tile + (pixel + i) * GEMM_NR + channel) + bias; }
      v_transpose(r);
      float *target = y + channel * out_plane + pixel;
      if (e.residual) {
        const float *residual = e.residual + channel * e.residual_stride + pixel;
        V_UNROLL for (int i = 0; i < VL; i++) {
          if (i < present) {
            r[i] += v_load_masked(mask, residual + i * e.residual_stride);
          }
        }
      }
      V_UNROLL for (int i = 0; i < VL; i++) {
        if (i < present) {
          v_store_masked(mask, target + i * out_plane, v_clamp(r[i], lo, hi));
        }
      }
    }
  }
}

V_INLINE void conv_columns_store(const sp_direct_conv *c, const float *tile, ptrdiff_t row, ptrdiff_t column,
                                 ptrdiff_t channel, ptrdiff_t m, ptrdiff_t n, const sp_epilogue *epilogue) {
  sp_epilogue e = *epilogue;
  ptrdiff_t pixel = row * c->out_row + column * c->out_column;
  float *y = c->y + channel * c->out_plane + pixel;
  if (c->out_column == 1) {
    e.row_bias = e.row_bias ? e.row_bias + channel : NULL;
    e.residual = e.residual ? e.residual + channel * e.residual_stride + pixel : NULL;
    conv_columns_finish(tile, y, c->out_plane, m, n, &e);
  } else {
    e.column_bias = e.column_bias ? e.column_bias + channel : NULL;
    e.residual = e.residual ? e.residual + (row * c->columns + column) * e.residual_stride + channel : NULL;
    gemm_finish(tile, y, c->out_column, m, n, &e);
  }
}

// A block of the reduction of one panel of weights, which fits L1, meets every pixel; meanwhile the next one is fetched.
void SP_VERSION(f32_conv_columns)(const sp_direct_conv *shared, ptrdiff_t k_block, float *sums,
                                  const sp_epilogue *epilogue) {
  const sp_direct_conv copy = *shared, *c = &copy;
  ptrdiff_t tiles = (c->columns + GEMM_MR - 1) / GEMM_MR;
  ptrdiff_t tile_floats = c->k > k_block ? GEMM_MR * GEMM_NR : 0;
  for (ptrdiff_t channel = 0; channel < c->outputs; channel += GEMM_NR) {
    ptrdiff_t n = v_min_index(GEMM_NR, c->outputs - channel);
    for (ptrdiff_t begin = 0; begin == 0 || begin < c->k; begin += k_block) {
      ptrdiff_t count = v_min_index(k_block, c->k - begin);
      const float *weights = c->weights + channel * c->k + begin * GEMM_NR;
      const char *next = (const char *)(weights + count * GEMM_NR);
      ptrdiff_t next_lines = v_min_index(k_block, c->k) * GEMM_NR / 16;
      float *tile = sums;
      for (ptrdiff_t row = 0; row < c->rows; row++) {
        for (ptrdiff_t t = 0; t < tiles; t++, tile += tile_floats) {
          ptrdiff_t column = c->columns * t / tiles, m = c->columns * (t + 1) / tiles - column;
          const float *x = c->x + row * c->row + column;
          conv_columns_sums[m - 1][begin == 0](count, c->offsets + begin, x, weights, tile, next,
                                               next_lines > 0 ? 64 : 0);
          next += next_lines > 0 ? count * 64 : 0;
          next_lines -= count;
          if (begin + count == c->k) {
            conv_columns_store(c, tile, row, column, channel, m, n, epilogue);
          }
        }
      }
    }
  }
}
