// Sparse rows times a dense matrix whose columns (pixels, tokens) lie along the vectors.
//
// The columns are cut into strips of at most SP_SPMM_WIDTH vectors, as equal as possible. A strip's part of B stays in
// the nearest cache while all the sparse rows pass over it, and a row's sums stay in registers. Where n is not a
// multiple of the vector, the last strip's last vector is loaded and stored through a mask. Strips without one have
// their own variants: a masked load costs an operation on a port that FMAs need.

typedef struct {
  ptrdiff_t begin, end, rows;
  const uint32_t *start;
  const char *stream;
  const char *b;
  ptrdiff_t b_stride;  // bytes
  float *c;
  ptrdiff_t ldc;
  ptrdiff_t column;
  vm last;
  sp_epilogue e;
} spmm_strip;

typedef void spmm_strip_function(const spmm_strip *s);

// A strip's shape: `width` vectors, of which the last is masked.
typedef struct {
  int width;
  bool masked;
} spmm_shape;

V_INLINE vf spmm_load(const char *row, int j, const spmm_shape shape, vm last) {
  const float *p = (const float *)row + j * VL;
  return shape.masked && j == shape.width - 1 ? v_load_masked(last, p) : v_load(p);
}

V_INLINE void spmm_finish(vf *sum, const spmm_shape shape, const spmm_strip *s, ptrdiff_t row) {
  const sp_epilogue *e = &s->e;
  float *c = s->c + row * s->ldc + s->column;
  vf lo = v_set1(e->lo), hi = v_set1(e->hi);
  if (e->row_bias) {
    vf bias = v_set1(e->row_bias[row]);
    V_UNROLL for (int j = 0; j < shape.width; j++) { sum[j] += bias; }
  }
  if (e->accumulate) {
    V_UNROLL for (int j = 0; j < shape.width; j++) { sum[j] += spmm_load((const char *)c, j, shape, s->last); }
  }
  if (e->column_bias) {
    const char *bias = (const char *)(e->column_bias + s->column);
    V_UNROLL for (int j = 0; j < shape.width; j++) { sum[j] += spmm_load(bias, j, shape, s->last); }
  }
  if (e->residual) {
    const char *residual = (const char *)(e->residual + row * e->residual_stride + s->column);
    V_UNROLL for (int j = 0; j < shape.width; j++) { sum[j] += spmm_load(residual, j, shape, s->last); }
  }
  V_UNROLL for (int j = 0; j < shape.width; j++) {
    vf v = v_clamp(sum[j], lo, hi);
    if (shape.masked && j == shape.width - 1) {
      v_store_masked(s->last, c + j * VL, v);
    } else {
      v_store(c + j * VL, v);
    }
  }
}

// Narrow strips have too few sums to hide an FMA's latency, so `sets` consecutive pairs go to different sums.
V_INLINE void spmm_rows(const spmm_strip *shared, const spmm_shape shape, const int sets) {
  const spmm_strip copy = *shared, *s = &copy;
  const sp_sparse_pair *pairs = (const sp_sparse_pair *)s->stream;
  for (ptrdiff_t row = s->begin; row < s->end; row++) {
    const sp_sparse_pair *p = pairs + s->start[row], *end = pairs + s->start[row + 1];
    vf sum[4][SP_SPMM_WIDTH];
    V_UNROLL for (int t = 0; t < sets; t++) {
      V_UNROLL for (int j = 0; j < shape.width; j++) { sum[t][j] = v_zero(); }
    }
    V_NO_UNROLL for (; end - p >= sets; p += sets) {
      V_UNROLL for (int t = 0; t < sets; t++) {
        vf value = v_set1(p[t].value);
        const char *x = s->b + p[t].offset;
        V_UNROLL for (int j = 0; j < shape.width; j++) {
          sum[t][j] = v_fma(value, spmm_load(x, j, shape, s->last), sum[t][j]);
        }
      }
    }
    if (sets > 1) {
      V_NO_UNROLL for (; p < end; p++) {
        vf value = v_set1(p->value);
        const char *x = s->b + p->offset;
        V_UNROLL for (int j = 0; j < shape.width; j++) {
          sum[0][j] = v_fma(value, spmm_load(x, j, shape, s->last), sum[0][j]);
        }
      }
      V_UNROLL for (int t = 1; t < sets; t++) {
        V_UNROLL for (int j = 0; j < shape.width; j++) { sum[0][j] += sum[t][j]; }
      }
    }
    spmm_finish(sum[0], shape, s, row);
  }
}

V_INLINE void spmm_4x1_rows(const spmm_strip *shared, const spmm_shape shape) {
  const spmm_strip copy = *shared, *s = &copy;
  const sp_sparse_quad *entries = (const sp_sparse_quad *)s->stream;
  for (ptrdiff_t group = s->begin; group < s->end; group++) {
    const sp_sparse_quad *p = entries + s->start[group], *end = entries + s->start[group + 1];
    vf sum[4][SP_SPMM_4X1_WIDTH];
    V_UNROLL for (int i = 0; i < 4; i++) {
      V_UNROLL for (int j = 0; j < shape.width; j++) { sum[i][j] = v_zero(); }
    }
    V_NO_UNROLL for (; p < end; p++) {
      const char *x = s->b + p->offset;
      vf bv[SP_SPMM_4X1_WIDTH];
      V_UNROLL for (int j = 0; j < shape.width; j++) { bv[j] = spmm_load(x, j, shape, s->last); }
      V_UNROLL for (int i = 0; i < 4; i++) {
        vf value = v_set1(p->v[i]);
        V_UNROLL for (int j = 0; j < shape.width; j++) { sum[i][j] = v_fma(value, bv[j], sum[i][j]); }
      }
    }
    V_UNROLL for (int i = 0; i < 4; i++) {
      if (4 * group + i < s->rows) {
        spmm_finish(sum[i], shape, s, 4 * group + i);
      }
    }
  }
}

// The four inputs of an entry go to `sets` sums in turn.
V_INLINE void spmm_1x4_rows(const spmm_strip *shared, const spmm_shape shape, const int sets) {
  const spmm_strip copy = *shared, *s = &copy;
  const sp_sparse_quad *entries = (const sp_sparse_quad *)s->stream;
  for (ptrdiff_t row = s->begin; row < s->end; row++) {
    const sp_sparse_quad *p = entries + s->start[row], *end = entries + s->start[row + 1];
    vf sum[4][SP_SPMM_WIDTH];
    V_UNROLL for (int t = 0; t < sets; t++) {
      V_UNROLL for (int j = 0; j < shape.width; j++) { sum[t][j] = v_zero(); }
    }
    V_NO_UNROLL for (; p < end; p++) {
      const char *x = s->b + p->offset;
      V_UNROLL for (int i = 0; i < 4; i++, x += s->b_stride) {
        vf value = v_set1(p->v[i]);
        V_UNROLL for (int j = 0; j < shape.width; j++) {
          sum[i % sets][j] = v_fma(value, spmm_load(x, j, shape, s->last), sum[i % sets][j]);
        }
      }
    }
    V_UNROLL for (int t = 1; t < sets; t++) {
      V_UNROLL for (int j = 0; j < shape.width; j++) { sum[0][j] += sum[t][j]; }
    }
    spmm_finish(sum[0], shape, s, row);
  }
}

// Sums that are taken in turn by a strip of `width` vectors: enough to fill an FMA's latency, few enough for registers.
#define SPMM_SETS(width) ((width) * 4 <= SP_SPMM_SUMS ? 4 : (width) * 2 <= SP_SPMM_SUMS ? 2 : 1)

#define SPMM_WIDTH(width)                                                                                     \
  static void spmm_rows_##width(const spmm_strip *s) {                                                        \
    spmm_rows(s, (spmm_shape){width, false}, SPMM_SETS(width));                                               \
  }                                                                                                           \
  static void spmm_rows_##width##m(const spmm_strip *s) {                                                     \
    spmm_rows(s, (spmm_shape){width, true}, SPMM_SETS(width));                                                \
  }                                                                                                           \
  static void spmm_1x4_rows_##width(const spmm_strip *s) {                                                    \
    spmm_1x4_rows(s, (spmm_shape){width, false}, SPMM_SETS(width));                                           \
  }                                                                                                           \
  static void spmm_1x4_rows_##width##m(const spmm_strip *s) {                                                 \
    spmm_1x4_rows(s, (spmm_shape){width, true}, SPMM_SETS(width));                                            \
  }
SPMM_WIDTH(1)
SPMM_WIDTH(2)
SPMM_WIDTH(3)
SPMM_WIDTH(4)
SPMM_WIDTH(5)
#if SP_SPMM_WIDTH > 5
SPMM_WIDTH(6)
#endif

#define SPMM_PAIR(name, width) {name##_##width, name##_##width##m}
static spmm_strip_function *const spmm_functions[SP_SPMM_WIDTH][2] = {
    SPMM_PAIR(spmm_rows, 1), SPMM_PAIR(spmm_rows, 2), SPMM_PAIR(spmm_rows, 3),
    SPMM_PAIR(spmm_rows, 4), SPMM_PAIR(spmm_rows, 5),
#if SP_SPMM_WIDTH > 5
    SPMM_PAIR(spmm_rows, 6),
#endif
};
static spmm_strip_function *const spmm_1x4_functions[SP_SPMM_WIDTH][2] = {
    SPMM_PAIR(spmm_1x4_rows, 1), SPMM_PAIR(spmm_1x4_rows, 2), SPMM_PAIR(spmm_1x4_rows, 3),
    SPMM_PAIR(spmm_1x4_rows, 4), SPMM_PAIR(spmm_1x4_rows, 5),
#if SP_SPMM_WIDTH > 5
    SPMM_PAIR(spmm_1x4_rows, 6),
#endif
};

#define SPMM_4X1_WIDTH(width)                                                                             \
  static void spmm_4x1_rows_##width(const spmm_strip *s) { spmm_4x1_rows(s, (spmm_shape){width, false}); } \
  static void spmm_4x1_rows_##width##m(const spmm_strip *s) { spmm_4x1_rows(s, (spmm_shape){width, true}); }
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

static spmm_strip_function *const spmm_4x1_functions[SP_SPMM_4X1_WIDTH][2] = {
    SPMM_PAIR(spmm_4x1_rows, 1), SPMM_PAIR(spmm_4x1_rows, 2), SPMM_PAIR(spmm_4x1_rows, 3),
#if SP_SPMM_4X1_WIDTH > 3
    SPMM_PAIR(spmm_4x1_rows, 4),
#endif
#if SP_SPMM_4X1_WIDTH > 4
    SPMM_PAIR(spmm_4x1_rows, 5), SPMM_PAIR(spmm_4x1_rows, 6),
#endif
};

static void spmm_strips(spmm_strip s, ptrdiff_t n, spmm_strip_function *const (*functions)[2], ptrdiff_t widest) {
  ptrdiff_t vectors = (n + VL - 1) / VL, strips = (vectors + widest - 1) / widest;
  const char *b = s.b;
  for (ptrdiff_t strip = 0, vector = 0; strip < strips; strip++) {
    ptrdiff_t width = vectors / strips + (strip < vectors % strips);
    s.column = vector * VL;
    s.b = b + s.column * 4;
    vector += width;
    s.last = m_first(n - (vector - 1) * VL);
    functions[width - 1][vector * VL > n](&s);
  }
}

void SP_VERSION(f32_spmm)(ptrdiff_t rows_begin, ptrdiff_t rows_end, const uint32_t *row_start,
                          const sp_sparse_pair *pairs, const float *b, ptrdiff_t n, float *c, ptrdiff_t ldc,
                          const sp_epilogue *epilogue) {
  spmm_strip s = {.begin = rows_begin,
                  .end = rows_end,
                  .start = row_start,
                  .stream = (const char *)pairs,
                  .b = (const char *)b,
                  .c = c,
                  .ldc = ldc,
                  .e = sp_resolved(epilogue)};
  spmm_strips(s, n, spmm_functions, SP_SPMM_WIDTH);
}

void SP_VERSION(f32_spmm_4x1)(ptrdiff_t groups_begin, ptrdiff_t groups_end, ptrdiff_t rows,
                              const uint32_t *group_start, const sp_sparse_quad *entries, const float *b, ptrdiff_t n,
                              float *c, ptrdiff_t ldc, const sp_epilogue *epilogue) {
  spmm_strip s = {.begin = groups_begin,
                  .end = groups_end,
                  .rows = rows,
                  .start = group_start,
                  .stream = (const char *)entries,
                  .b = (const char *)b,
                  .c = c,
                  .ldc = ldc,
                  .e = sp_resolved(epilogue)};
  spmm_strips(s, n, spmm_4x1_functions, SP_SPMM_4X1_WIDTH);
}

void SP_VERSION(f32_spmm_1x4)(ptrdiff_t rows_begin, ptrdiff_t rows_end, const uint32_t *row_start,
                              const sp_sparse_quad *entries, const float *b, ptrdiff_t b_stride, ptrdiff_t n, float *c,
                              ptrdiff_t ldc, const sp_epilogue *epilogue) {
  spmm_strip s = {.begin = rows_begin,
                  .end = rows_end,
                  .start = row_start,
                  .stream = (const char *)entries,
                  .b = (const char *)b,
                  .b_stride = b_stride * 4,
                  .c = c,
                  .ldc = ldc,
                  .e = sp_resolved(epilogue)};
  spmm_strips(s, n, spmm_1x4_functions, SP_SPMM_WIDTH);
}
