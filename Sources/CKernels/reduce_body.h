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

// The sum of (x[i] - mean)^2.
V_INLINE float layer_norm_squares(ptrdiff_t n, const float *x, vf mean) {
  vf s[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
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

void SP_VERSION(f32_layer_norm)(ptrdiff_t n, const float *x, const float *addend, const float *gamma,
                                const float *beta, float epsilon, float *y) {
  vf mean = v_set1(layer_norm_add(n, x, addend, y) / (float)n);
  x = addend ? y : x;
  float variance = layer_norm_squares(n, x, mean) / (float)n;
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
