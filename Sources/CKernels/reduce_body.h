// Reductions along one row. Four vectors of partial results hide the latency and bound the rounding error.

float SP_VERSION(f32_sum)(ptrdiff_t n, const float *x) {
  vf s[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
  ptrdiff_t i = 0;
  for (; n - i >= 4 * VL; i += 4 * VL) {
    V_UNROLL for (int t = 0; t < 4; t++) { s[t] += v_load(x + i + t * VL); }
  }
  for (; i < n; i += VL) {
    s[0] += v_load_masked(m_first(n - i), x + i);
  }
  return v_reduce_add((s[0] + s[1]) + (s[2] + s[3]));
}

float SP_VERSION(f32_squares)(ptrdiff_t n, const float *x, float center) {
  vf mean = v_set1(center), s[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
  ptrdiff_t i = 0;
  for (; n - i >= 4 * VL; i += 4 * VL) {
    V_UNROLL for (int t = 0; t < 4; t++) {
      vf d = v_load(x + i + t * VL) - mean;
      s[t] = v_fma(d, d, s[t]);
    }
  }
  for (; i < n; i += VL) {
    vm tail = m_first(n - i);
    vf d = m_select(tail, v_load_masked(tail, x + i) - mean, v_zero());
    s[0] = v_fma(d, d, s[0]);
  }
  return v_reduce_add((s[0] + s[1]) + (s[2] + s[3]));
}

float SP_VERSION(f32_centered_dot)(ptrdiff_t n, const float *x, float center, const float *y) {
  vf mean = v_set1(center), s[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
  ptrdiff_t i = 0;
  for (; n - i >= 4 * VL; i += 4 * VL) {
    V_UNROLL for (int t = 0; t < 4; t++) {
      s[t] = v_fma(v_load(x + i + t * VL) - mean, v_load(y + i + t * VL), s[t]);
    }
  }
  for (; i < n; i += VL) {
    // What is not loaded of y is 0.
    vm tail = m_first(n - i);
    s[0] = v_fma(v_load_masked(tail, x + i) - mean, v_load_masked(tail, y + i), s[0]);
  }
  return v_reduce_add((s[0] + s[1]) + (s[2] + s[3]));
}

// `width` dot products at once: each vector of g is loaded once for all.
V_INLINE void dots_at_once(int width, ptrdiff_t n, const float *g, const float *x, const int32_t *offsets,
                           float *sums) {
  vf s[8];
  V_UNROLL for (int t = 0; t < width; t++) { s[t] = v_zero(); }
  ptrdiff_t j = 0;
  for (; n - j >= VL; j += VL) {
    vf v = v_load(g + j);
    V_UNROLL for (int t = 0; t < width; t++) { s[t] = v_fma(v, v_load(x + offsets[t] + j), s[t]); }
  }
  if (j < n) {
    vm tail = m_first(n - j);
    vf v = v_load_masked(tail, g + j);
    V_UNROLL for (int t = 0; t < width; t++) { s[t] = v_fma(v, v_load_masked(tail, x + offsets[t] + j), s[t]); }
  }
  V_UNROLL for (int t = 0; t < width; t++) { sums[t] += v_reduce_add(s[t]); }
}

void SP_VERSION(f32_dots)(ptrdiff_t n, const float *g, const float *x, const int32_t *offsets, ptrdiff_t count,
                          float *sums) {
  ptrdiff_t i = 0;
  for (; count - i >= 8; i += 8) {
    dots_at_once(8, n, g, x, offsets + i, sums + i);
  }
  if (count - i >= 4) {
    dots_at_once(4, n, g, x, offsets + i, sums + i);
    i += 4;
  }
  for (; i < count; i++) {
    dots_at_once(1, n, g, x, offsets + i, sums + i);
  }
}

void SP_VERSION(f32_blend)(ptrdiff_t n, const float *x, float center, float p, const float *y, float q, float r,
                           float *z) {
  vf mean = v_set1(center), vp = v_set1(p), vq = v_set1(q), vr = v_set1(r);
  ptrdiff_t i = 0;
  for (; n - i >= VL; i += VL) {
    v_store(z + i, v_fma(v_load(x + i) - mean, vp, v_fma(v_load(y + i), vq, vr)));
  }
  if (i < n) {
    vm tail = m_first(n - i);
    v_store_masked(tail, z + i, v_fma(v_load_masked(tail, x + i) - mean, vp, v_fma(v_load_masked(tail, y + i), vq, vr)));
  }
}

float SP_VERSION(f32_max)(ptrdiff_t n, const float *x) {
  vf lowest = v_set1(-__builtin_inff()), s[4] = {lowest, lowest, lowest, lowest};
  ptrdiff_t i = 0;
  for (; n - i >= 4 * VL; i += 4 * VL) {
    V_UNROLL for (int t = 0; t < 4; t++) { s[t] = v_max_nan(s[t], v_load(x + i + t * VL)); }
  }
  for (; i < n; i += VL) {
    s[0] = v_max_nan(s[0], v_load_or(m_first(n - i), x + i, lowest));
  }
  return v_reduce_max_nan(v_max_nan(v_max_nan(s[0], s[1]), v_max_nan(s[2], s[3])));
}

void SP_VERSION(f32_softmax)(ptrdiff_t n, const float *x, float *y) {
  vf largest = v_set1(SP_VERSION(f32_max)(n, x)), sum = v_zero(), other = v_zero();
  ptrdiff_t i = 0;
  for (; n - i >= 2 * VL; i += 2 * VL) {
    vf e = v_exp(v_load(x + i) - largest), f = v_exp(v_load(x + i + VL) - largest);
    sum += e;
    other += f;
    v_store(y + i, e);
    v_store(y + i + VL, f);
  }
  for (; i < n; i += VL) {
    vm tail = m_first(n - i);
    vf e = m_select(tail, v_exp(v_load_masked(tail, x + i) - largest), v_zero());
    sum += e;
    v_store_masked(tail, y + i, e);
  }
  SP_VERSION(f32_scale_shift)(n, y, 1.0f / v_reduce_add(sum + other), 0.0f, y);
}

// The sum of x[i] + addend[i], which y[i] becomes; without an addend the sum of x, and y stays.
V_INLINE float layer_norm_add(ptrdiff_t n, const float *x, const float *addend, float *y) {
  if (!addend) {
    return SP_VERSION(f32_sum)(n, x);
  }
  vf s[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
  ptrdiff_t i = 0;
  for (; n - i >= 4 * VL; i += 4 * VL) {
    V_UNROLL for (int t = 0; t < 4; t++) {
      vf v = v_load(x + i + t * VL) + v_load(addend + i + t * VL);
      s[t] += v;
      v_store(y + i + t * VL, v);
    }
  }
  for (; i < n; i += VL) {
    vm tail = m_first(n - i);
    vf v = v_load_masked(tail, x + i) + v_load_masked(tail, addend + i);
    s[0] += v;
    v_store_masked(tail, y + i, v);
  }
  return v_reduce_add((s[0] + s[1]) + (s[2] + s[3]));
}

void SP_VERSION(f32_layer_norm)(ptrdiff_t n, const float *x, const float *addend, const float *gamma,
                                const float *beta, float epsilon, float *y) {
  float mean_of_x = layer_norm_add(n, x, addend, y) / (float)n;
  vf mean = v_set1(mean_of_x);
  x = addend ? y : x;
  float variance = SP_VERSION(f32_squares)(n, x, mean_of_x) / (float)n;
  vf scale = v_set1(1.0f / __builtin_elementwise_sqrt(variance + epsilon));
  ptrdiff_t i = 0;
  for (; n - i >= VL; i += VL) {
    vf v = (v_load(x + i) - mean) * scale;
    v = gamma ? v * v_load(gamma + i) : v;
    v_store(y + i, beta ? v + v_load(beta + i) : v);
  }
  for (; i < n; i += VL) {
    vm tail = m_first(n - i);
    vf v = (v_load_masked(tail, x + i) - mean) * scale;
    v = gamma ? v * v_load_masked(tail, gamma + i) : v;
    v = beta ? v + v_load_masked(tail, beta + i) : v;
    v_store_masked(tail, y + i, v);
  }
}
