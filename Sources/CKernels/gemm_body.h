// Dense products on packed panels.
//
//   A panel: k groups of MR floats      B panel: k groups of NR floats      MR x NR sums in registers
//
// A tile lower or narrower than the panel runs a variant with as many sums as it needs: a batch of one row costs one.

#define GEMM_MR SP_GEMM_ROWS
#define GEMM_NV 2
#define GEMM_NR (GEMM_NV * VL)
_Static_assert(GEMM_MR == SP_VERSION(SP_GEMM_MR) && GEMM_NR == SP_VERSION(SP_GEMM_NR), "the table's panel sizes");

// Sums one tile into `tile`, rows of GEMM_NR floats. With few sums in a tile an FMA would wait for the one before it,
// so `sets` steps of k go to different sums.
V_INLINE void gemm_sum(ptrdiff_t k, const float *a, const float *b, float *tile, const int rows, const int vectors,
                       const int sets) {
  vf sum[4][GEMM_MR][GEMM_NV];
  V_UNROLL for (int s = 0; s < sets; s++) {
    V_UNROLL for (int i = 0; i < rows; i++) {
      V_UNROLL for (int j = 0; j < vectors; j++) { sum[s][i][j] = v_zero(); }
    }
  }
  for (; k >= sets; k -= sets) {
    V_UNROLL for (int s = 0; s < sets; s++) {
      vf bv[GEMM_NV];
      V_UNROLL for (int j = 0; j < vectors; j++) { bv[j] = v_load(b + s * GEMM_NR + j * VL); }
      V_UNROLL for (int i = 0; i < rows; i++) {
        vf av = v_set1(a[s * GEMM_MR + i]);
        V_UNROLL for (int j = 0; j < vectors; j++) { sum[s][i][j] = v_fma(av, bv[j], sum[s][i][j]); }
      }
    }
    a += sets * GEMM_MR;
    b += sets * GEMM_NR;
  }
  if (sets > 1) {
    V_NO_UNROLL for (; k > 0; k--) {
      V_UNROLL for (int i = 0; i < rows; i++) {
        V_UNROLL for (int j = 0; j < vectors; j++) {
          sum[0][i][j] = v_fma(v_set1(a[i]), v_load(b + j * VL), sum[0][i][j]);
        }
      }
      a += GEMM_MR;
      b += GEMM_NR;
    }
    V_UNROLL for (int s = 1; s < sets; s++) {
      V_UNROLL for (int i = 0; i < rows; i++) {
        V_UNROLL for (int j = 0; j < vectors; j++) { sum[0][i][j] += sum[s][i][j]; }
      }
    }
  }
  V_UNROLL for (int i = 0; i < rows; i++) {
    V_UNROLL for (int j = 0; j < vectors; j++) { v_store(tile + i * GEMM_NR + j * VL, sum[0][i][j]); }
  }
}

typedef void gemm_sum_function(ptrdiff_t k, const float *a, const float *b, float *tile);

#define GEMM_ROWS(rows, sets1, sets2)                                                    \
  static void gemm_sum_##rows##x1(ptrdiff_t k, const float *a, const float *b, float *t) { \
    gemm_sum(k, a, b, t, rows, 1, sets1);                                                \
  }                                                                                      \
  static void gemm_sum_##rows##x2(ptrdiff_t k, const float *a, const float *b, float *t) { \
    gemm_sum(k, a, b, t, rows, 2, sets2);                                                \
  }
GEMM_ROWS(1, 4, 4)
GEMM_ROWS(2, 4, 2)
GEMM_ROWS(3, 2, 2)
GEMM_ROWS(4, 2, 1)
GEMM_ROWS(5, 1, 1)
GEMM_ROWS(6, 1, 1)
#if SP_GEMM_ROWS > 6
GEMM_ROWS(7, 1, 1)
GEMM_ROWS(8, 1, 1)
#endif
#if SP_GEMM_ROWS > 8
GEMM_ROWS(9, 1, 1)
GEMM_ROWS(10, 1, 1)
GEMM_ROWS(11, 1, 1)
GEMM_ROWS(12, 1, 1)
GEMM_ROWS(13, 1, 1)
GEMM_ROWS(14, 1, 1)
#endif

#define GEMM_PAIR(rows) {gemm_sum_##rows##x1, gemm_sum_##rows##x2}
static gemm_sum_function *const gemm_sums[GEMM_MR][GEMM_NV] = {
    GEMM_PAIR(1),  GEMM_PAIR(2),  GEMM_PAIR(3),  GEMM_PAIR(4), GEMM_PAIR(5), GEMM_PAIR(6),
#if SP_GEMM_ROWS > 6
    GEMM_PAIR(7),  GEMM_PAIR(8),
#endif
#if SP_GEMM_ROWS > 8
    GEMM_PAIR(9),  GEMM_PAIR(10), GEMM_PAIR(11), GEMM_PAIR(12), GEMM_PAIR(13), GEMM_PAIR(14),
#endif
};

// Stores apart from the sums: the twenty-eight variants would each carry a copy of this.
static __attribute__((noinline)) void gemm_finish(const float *tile, float *c, ptrdiff_t ldc, ptrdiff_t m, ptrdiff_t n,
                                                  const sp_epilogue *epilogue) {
  sp_epilogue e = sp_resolved(epilogue);
  vf lo = v_set1(e.lo), hi = v_set1(e.hi);
  for (ptrdiff_t j = 0; j < n; j += VL) {
    vm mask = m_first(n - j);
    vf column_bias = e.column_bias ? v_load_masked(mask, e.column_bias + j) : v_zero();
    for (ptrdiff_t i = 0; i < m; i++) {
      vf v = v_load(tile + i * GEMM_NR + j) + column_bias;
      if (e.accumulate) {
        v += v_load_masked(mask, c + i * ldc + j);
      }
      if (e.row_bias) {
        v += v_set1(e.row_bias[i]);
      }
      if (e.residual) {
        v += v_load_masked(mask, e.residual + i * e.residual_stride + j);
      }
      v_store_masked(mask, c + i * ldc + j, v_clamp(v, lo, hi));
    }
  }
}

void SP_VERSION(f32_gemm)(ptrdiff_t k, const float *a, const float *b, float *c, ptrdiff_t ldc, ptrdiff_t m,
                          ptrdiff_t n, const sp_epilogue *epilogue) {
  if (m <= 0 || n <= 0) {
    return;
  }
  float tile[GEMM_MR * GEMM_NR] __attribute__((aligned(64)));
  gemm_sums[m - 1][n > VL](k, a, b, tile);
  gemm_finish(tile, c, ldc, m, n, epilogue);
}
