// Sparse matrix times one vector, with gathers.

// Entries ahead of which both streams are fetched: a row is too short for the processor to see a stream in it.
enum { SPMV_AHEAD = 512 };

V_INLINE vf spmv_step(const float *x, const uint16_t *columns, const float *values, vf sum) {
  __builtin_prefetch(columns + SPMV_AHEAD);
  __builtin_prefetch(values + SPMV_AHEAD);
  return v_fma(v_load(values), v_gather(x, columns), sum);
}

void SP_VERSION(f32_spmv)(ptrdiff_t rows_begin, ptrdiff_t rows_end, const uint32_t *row_start, const uint16_t *columns,
                          const float *values, const float *x, float *y, const sp_epilogue *epilogue) {
  sp_epilogue e = sp_resolved(epilogue);
  for (ptrdiff_t r = rows_begin; r < rows_end; r++) {
    const uint16_t *c = columns + row_start[r];
    const float *w = values + row_start[r];
    ptrdiff_t left = (ptrdiff_t)row_start[r + 1] - row_start[r];
    vf sum = v_zero(), other = v_zero();
    for (; left >= 2 * VL; left -= 2 * VL, c += 2 * VL, w += 2 * VL) {
      sum = spmv_step(x, c, w, sum);
      other = spmv_step(x, c + VL, w + VL, other);
    }
    for (; left > 0; left -= VL, c += VL, w += VL) {
      vf inputs = m_select(m_first(left), v_gather(x, c), v_zero());
      sum = v_fma(v_load_masked(m_first(left), w), inputs, sum);
    }
    y[r] = sp_finish(v_reduce_add(sum + other), &e, r, 0, e.accumulate ? y[r] : 0);
  }
}
