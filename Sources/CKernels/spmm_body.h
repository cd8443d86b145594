// Sparse rows times a tile of a dense matrix whose columns (pixels, tokens) lie along the vectors.
//
// A row's sums of a whole tile stay in registers while its weights pass: one load and one FMA a weight and vector. The
// kernel is bound by the loads, so nothing else may touch memory twice: the tile is small enough for L1, offsets take
// 16 bits, and each input row has a pointer of its own (an FMA with base + index is split in two).

#define SPMM_KEEP_POINTER(p) __asm__("" : "+r"(p))

V_INLINE const float *spmm_input(const sp_sparse_product *s, uint16_t offset) {
  const char *x = (const char *)s->tile + ((size_t)offset << 6);
  SPMM_KEEP_POINTER(x);
  return (const float *)x;
}

V_INLINE void spmm_begin(vf *sum, const int width, const sp_sparse_product *s, ptrdiff_t row, bool accumulate) {
  if (accumulate) {
    const float *partial = s->sums + row * s->sums_stride;
    V_UNROLL for (int j = 0; j < width; j++) { sum[j] = v_load(partial + j * VL); }
  } else {
    V_UNROLL for (int j = 0; j < width; j++) { sum[j] = v_zero(); }
  }
}

// Rows lie far apart, and the order they are taken in is not one that a processor foresees: the places of the results of
// one to come are fetched while this one is summed.
V_INLINE void spmm_prefetch(const int width, const sp_sparse_product *s, ptrdiff_t place, const sp_epilogue *e,
                            const int group_rows) {
  enum { AHEAD = 3 };
  if (!e->last || place + AHEAD >= s->end) {
    return;
  }
  ptrdiff_t row = (ptrdiff_t)s->order[place + AHEAD] * group_rows;
  for (int i = 0; i < group_rows && row < s->rows; i++, row++) {
    const char *c = (const char *)(s->c + row * s->ldc);
    V_UNROLL for (int j = 0; j < width * VL * 4; j += 64) { __builtin_prefetch(c + j, 1, 3); }
    if (e->residual) {
      const char *residual = (const char *)(e->residual + row * e->residual_stride);
      V_UNROLL for (int j = 0; j < width * VL * 4; j += 64) { __builtin_prefetch(residual + j, 0, 3); }
    }
  }
}

// Stores the sums of one row: as they are, or finished and in their places.
V_INLINE void spmm_end(vf *sum, const int width, const sp_sparse_product *s, ptrdiff_t row, const sp_epilogue *e) {
  if (!e->last) {
    float *partial = s->sums + row * s->sums_stride;
    V_UNROLL for (int j = 0; j < width; j++) { v_store(partial + j * VL, sum[j]); }
    return;
  }
  if (e->row_bias) {
    vf bias = v_set1(e->row_bias[row]);
    V_UNROLL for (int j = 0; j < width; j++) { sum[j] += bias; }
  }
  float *c = s->c + row * s->ldc;
  vf lo = v_set1(e->lo), hi = v_set1(e->hi);
  ptrdiff_t tail = s->n - (width - 1) * VL;
  vm lanes = m_first(tail);
  if (e->residual) {
    const float *residual = e->residual + row * e->residual_stride;
    V_UNROLL for (int j = 0; j < width - 1; j++) { sum[j] += v_load(residual + j * VL); }
    sum[width - 1] += v_load_masked(lanes, residual + (width - 1) * VL);
  }
  V_UNROLL for (int j = 0; j < width - 1; j++) { v_store(c + j * VL, v_clamp(sum[j], lo, hi)); }
  vf v = v_clamp(sum[width - 1], lo, hi);
  if (tail == VL) {
    v_store(c + (width - 1) * VL, v);
  } else {
    v_store_masked(lanes, c + (width - 1) * VL, v);
  }
}

V_INLINE void spmm_add(vf *sum, const int width, const float *x, float weight) {
  vf value = v_set1(weight);
  V_UNROLL for (int j = 0; j < width; j++) { sum[j] = v_fma(value, v_load(x + j * VL), sum[j]); }
}

// Four weights at a time share a load of their offsets. Narrow tiles have too few sums to hide an FMA's latency, so
// consecutive weights go to different ones of `sets`.
V_INLINE void spmm_rows(const sp_sparse_product *shared, const sp_epilogue *epilogue, const int width, const int sets) {
  const sp_sparse_product copy = *shared, *s = &copy;
  const sp_epilogue e = *epilogue;
  for (ptrdiff_t place = s->begin; place < s->end; place++) {
    ptrdiff_t row = s->order[place];
    spmm_prefetch(width, s, place, &e, 1);
    uint32_t i = s->start[place], end = s->start[place + 1];
    vf sum[4][SP_SPMM_WIDTH];
    spmm_begin(sum[0], width, s, row, e.accumulate);
    V_UNROLL for (int t = 1; t < sets; t++) { spmm_begin(sum[t], width, s, row, false); }
    V_NO_UNROLL for (; end - i >= 4; i += 4) {
      uint64_t offsets;
      __builtin_memcpy(&offsets, s->offsets + i, sizeof offsets);
      V_UNROLL for (int t = 0; t < 4; t++, offsets >>= 16) {
        spmm_add(sum[t % sets], width, spmm_input(s, (uint16_t)offsets), s->values[i + t]);
      }
    }
    V_NO_UNROLL for (; i < end; i++) { spmm_add(sum[0], width, spmm_input(s, s->offsets[i]), s->values[i]); }
    V_UNROLL for (int t = 1; t < sets; t++) {
      V_UNROLL for (int j = 0; j < width; j++) { sum[0][j] += sum[t][j]; }
    }
    spmm_end(sum[0], width, s, row, &e);
  }
}

V_INLINE void spmm_4x1_rows(const sp_sparse_product *shared, const sp_epilogue *epilogue, const int width) {
  const sp_sparse_product copy = *shared, *s = &copy;
  const sp_epilogue e = *epilogue;
  for (ptrdiff_t place = s->begin; place < s->end; place++) {
    ptrdiff_t group = s->order[place];
    spmm_prefetch(width, s, place, &e, 4);
    vf sum[4][SP_SPMM_4X1_WIDTH];
    V_UNROLL for (int i = 0; i < 4; i++) {
      spmm_begin(sum[i], width, s, 4 * group + i, e.accumulate && 4 * group + i < s->rows);
    }
    uint32_t end = s->start[place + 1];
    V_NO_UNROLL for (uint32_t p = s->start[place]; p < end; p++) {
      const float *x = spmm_input(s, s->offsets[p]), *values = s->values + 4 * (size_t)p;
      vf input[SP_SPMM_4X1_WIDTH];
      V_UNROLL for (int j = 0; j < width; j++) { input[j] = v_load(x + j * VL); }
      V_UNROLL for (int i = 0; i < 4; i++) {
        vf value = v_set1(values[i]);
        V_UNROLL for (int j = 0; j < width; j++) { sum[i][j] = v_fma(value, input[j], sum[i][j]); }
      }
    }
    V_UNROLL for (int i = 0; i < 4; i++) {
      if (4 * group + i < s->rows) {
        spmm_end(sum[i], width, s, 4 * group + i, &e);
      }
    }
  }
}

// The four inputs of an entry go to `sets` sums in turn.
V_INLINE void spmm_1x4_rows(const sp_sparse_product *shared, const sp_epilogue *epilogue, const int width,
                            const int sets) {
  const sp_sparse_product copy = *shared, *s = &copy;
  const sp_epilogue e = *epilogue;
  for (ptrdiff_t place = s->begin; place < s->end; place++) {
    ptrdiff_t row = s->order[place];
    spmm_prefetch(width, s, place, &e, 1);
    vf sum[4][SP_SPMM_WIDTH];
    spmm_begin(sum[0], width, s, row, e.accumulate);
    V_UNROLL for (int t = 1; t < sets; t++) { spmm_begin(sum[t], width, s, row, false); }
    uint32_t end = s->start[place + 1];
    V_NO_UNROLL for (uint32_t p = s->start[place]; p < end; p++) {
      const float *x = spmm_input(s, s->offsets[p]), *values = s->values + 4 * (size_t)p;
      V_UNROLL for (int i = 0; i < 4; i++) {
        spmm_add(sum[i % sets], width, x, values[i]);
        x += s->tile_stride;
        SPMM_KEEP_POINTER(x);
      }
    }
    V_UNROLL for (int t = 1; t < sets; t++) {
      V_UNROLL for (int j = 0; j < width; j++) { sum[0][j] += sum[t][j]; }
    }
    spmm_end(sum[0], width, s, row, &e);
  }
}

// Sums that a tile of `width` vectors takes in turn: enough to fill an FMA's latency, few enough for registers.
#define SPMM_SETS(width) ((width) * 4 <= SP_SPMM_SUMS ? 4 : (width) * 2 <= SP_SPMM_SUMS ? 2 : 1)

typedef void spmm_function(const sp_sparse_product *s, const sp_epilogue *e);

#define SPMM_WIDTH(width)                                                                \
  static void spmm_rows_##width(const sp_sparse_product *s, const sp_epilogue *e) {      \
    spmm_rows(s, e, width, SPMM_SETS(width));                                            \
  }                                                                                      \
  static void spmm_1x4_rows_##width(const sp_sparse_product *s, const sp_epilogue *e) {  \
    spmm_1x4_rows(s, e, width, SPMM_SETS(width));                                        \
  }
#define SPMM_4X1_WIDTH(width) \
  static void spmm_4x1_rows_##width(const sp_sparse_product *s, const sp_epilogue *e) { spmm_4x1_rows(s, e, width); }

SPMM_WIDTH(1)
SPMM_WIDTH(2)
SPMM_WIDTH(3)
SPMM_WIDTH(4)
SPMM_WIDTH(5)
SPMM_WIDTH(6)
static spmm_function *const spmm_functions[SP_SPMM_WIDTH] = {spmm_rows_1, spmm_rows_2, spmm_rows_3,
                                                             spmm_rows_4, spmm_rows_5, spmm_rows_6};
static spmm_function *const spmm_1x4_functions[SP_SPMM_WIDTH] = {spmm_1x4_rows_1, spmm_1x4_rows_2, spmm_1x4_rows_3,
                                                                 spmm_1x4_rows_4, spmm_1x4_rows_5, spmm_1x4_rows_6};
SPMM_4X1_WIDTH(1)
SPMM_4X1_WIDTH(2)
SPMM_4X1_WIDTH(3)
#if SP_SPMM_4X1_WIDTH > 3
SPMM_4X1_WIDTH(4)
#endif
#if SP_SPMM_4X1_WIDTH > 4
SPMM_4X1_WIDTH(5)
SPMM_4X1_WIDTH(6)
#endif
static spmm_function *const spmm_4x1_functions[SP_SPMM_4X1_WIDTH] = {
    spmm_4x1_rows_1, spmm_4x1_rows_2, spmm_4x1_rows_3,
#if SP_SPMM_4X1_WIDTH > 3
    spmm_4x1_rows_4,
#endif
#if SP_SPMM_4X1_WIDTH > 4
    spmm_4x1_rows_5, spmm_4x1_rows_6,
#endif
};

// Tiles wider than the registers hold are cut into strips, as equal as possible.
V_INLINE void spmm_strips(const sp_sparse_product *product, const sp_epilogue *epilogue,
                          spmm_function *const *functions, ptrdiff_t widest) {
  sp_sparse_product s = *product;
  sp_epilogue e = sp_resolved(epilogue);
  ptrdiff_t vectors = (s.n + VL - 1) / VL, strips = (vectors + widest - 1) / widest;
  for (ptrdiff_t strip = 0, vector = 0; strip < strips; strip++) {
    ptrdiff_t width = vectors / strips + (strip < vectors % strips);
    s.n = v_min_index(width * VL, product->n - vector * VL);
    functions[width - 1](&s, &e);
    vector += width;
    s.tile += width * VL;
    s.sums = (float *)v_at(s.sums, width * VL);
    s.c = (float *)v_at(s.c, width * VL);
    e.residual = e.residual ? v_at(e.residual, width * VL) : NULL;
  }
}

void SP_VERSION(f32_spmm)(const sp_sparse_product *product, const sp_epilogue *epilogue) {
  spmm_strips(product, epilogue, spmm_functions, SP_SPMM_WIDTH);
}

void SP_VERSION(f32_spmm_4x1)(const sp_sparse_product *product, const sp_epilogue *epilogue) {
  spmm_strips(product, epilogue, spmm_4x1_functions, SP_SPMM_4X1_WIDTH);
}

void SP_VERSION(f32_spmm_1x4)(const sp_sparse_product *product, const sp_epilogue *epilogue) {
  spmm_strips(product, epilogue, spmm_1x4_functions, SP_SPMM_WIDTH);
}
