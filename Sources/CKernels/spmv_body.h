// Sparse matrix times one vector, with gathers. Two vectors of pairs are separated into offsets and values:
//
//   | o0 v0 o1 v1 .. | .. v(VL-1) |  ->  | o0 o1 .. |  | v0 v1 .. |

V_INLINE vf spmv_step(const char *x, vf pairs_lo, vf pairs_hi, vm mask, vf sum) {
  vf inputs = v_gather_bytes(x, v_bits(v_even(pairs_lo, pairs_hi)));
  return v_fma(v_odd(pairs_lo, pairs_hi), m_select(mask, inputs, v_zero()), sum);
}

void SP_VERSION(f32_spmv)(ptrdiff_t rows_begin, ptrdiff_t rows_end, const uint32_t *row_start,
                          const sp_sparse_pair *pairs, const float *x, float *y, const sp_epilogue *epilogue) {
  sp_epilogue e = sp_resolved(epilogue);
  for (ptrdiff_t r = rows_begin; r < rows_end; r++) {
    const float *p = (const float *)(pairs + row_start[r]);
    ptrdiff_t left = (ptrdiff_t)row_start[r + 1] - row_start[r];
    vf sum = v_zero(), other = v_zero();
    for (; left >= 2 * VL; left -= 2 * VL, p += 4 * VL) {
      sum = spmv_step((const char *)x, v_load(p), v_load(p + VL), m_first(VL), sum);
      other = spmv_step((const char *)x, v_load(p + 2 * VL), v_load(p + 3 * VL), m_first(VL), other);
    }
    for (; left > 0; left -= VL, p += 2 * VL) {
      vf lo = v_load_masked(m_first(2 * left), p), hi = v_load_masked(m_first(2 * left - VL), v_at(p, VL));
      sum = spmv_step((const char *)x, lo, hi, m_first(left), sum);
    }
    y[r] = sp_finish(v_reduce_add(sum + other), &e, r, 0, e.accumulate ? y[r] : 0);
  }
}
