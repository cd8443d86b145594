// Multiply-adds and nothing else: what a core can do at most.

void SP_VERSION(f32_fma_chains)(ptrdiff_t steps, float *sums) {
  vf s[12];
  V_UNROLL for (int t = 0; t < 12; t++) { s[t] = v_load(sums + t * VL); }
  vf half = v_set1(0.5f), one = v_set1(1.0f);
  for (ptrdiff_t i = 0; i < steps; i++) {
    V_UNROLL for (int t = 0; t < 12; t++) { s[t] = v_fma(s[t], half, one); }
  }
  V_UNROLL for (int t = 0; t < 12; t++) { v_store(sums + t * VL, s[t]); }
}
