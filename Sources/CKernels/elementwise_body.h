// Functions of each element. A tail shorter than a vector goes through a mask.

#define UNARY_LOOP(expression)                             \
  for (ptrdiff_t i = 0; i < n; i += VL) {                  \
    if (n - i >= VL) {                                     \
      vf v = v_load(x + i);                                \
      v_store(y + i, (expression));                        \
    } else {                                               \
      vm tail = m_first(n - i);                            \
      vf v = v_load_masked(tail, x + i);                   \
      v_store_masked(tail, y + i, (expression));           \
    }                                                      \
  }                                                        \
  return

static vf sin_or_cos(vf x, bool cosine) {
  vf v = cosine ? v_cos(x) : v_sin(x);
  for (int i = 0; i < VL; i++) {
    if (!(__builtin_fabsf(x[i]) <= 8192.0f)) {
      v[i] = cosine ? cosf(x[i]) : sinf(x[i]);
    }
  }
  return v;
}

V_INLINE bool v_all_within(vf x, float limit) { return bits_of(v_abs(x) <= limit) == (1u << VL) - 1; }

V_INLINE vf v_sign(vf x) {
  vf one = v_with_sign(v_set1(1.0f), x);
  return x != 0.0f ? (x != x ? x : one) : v_zero();
}

void SP_VERSION(f32_unary)(sp_unary op, ptrdiff_t n, const float *x, float *y, float p0, float p1) {
  switch (op) {
    case SP_UNARY_RELU:
      UNARY_LOOP(v_at_least(v_zero(), v));
    case SP_UNARY_CLIP:
      UNARY_LOOP(v_clamp(v, v_set1(p0), v_set1(p1)));
    case SP_UNARY_SIGMOID:
      UNARY_LOOP(v_sigmoid(v));
    case SP_UNARY_TANH:
      UNARY_LOOP(v_tanh(v));
    case SP_UNARY_EXP:
      UNARY_LOOP(v_exp(v));
    case SP_UNARY_LOG:
      UNARY_LOOP(v_log(v));
    case SP_UNARY_SQRT:
      UNARY_LOOP(__builtin_elementwise_sqrt(v));
    case SP_UNARY_RECIPROCAL:
      UNARY_LOOP(1.0f / v);
    case SP_UNARY_ERF:
      UNARY_LOOP(v_erf(v));
    case SP_UNARY_GELU:
      UNARY_LOOP(v_gelu(v));
    case SP_UNARY_GELU_TANH:
      UNARY_LOOP(v_gelu_tanh(v));
    case SP_UNARY_HARD_SIGMOID:
      UNARY_LOOP(v_clamp(v_fma(v_set1(p0), v, v_set1(p1)), v_zero(), v_set1(1.0f)));
    case SP_UNARY_HARD_SWISH:
      UNARY_LOOP(v * v_clamp(v_fma(v_set1(1.0f / 6), v, v_set1(0.5f)), v_zero(), v_set1(1.0f)));
    case SP_UNARY_SILU:
      UNARY_LOOP(v / (1.0f + v_exp(-v)));
    case SP_UNARY_LEAKY_RELU:
      UNARY_LOOP(v < 0.0f ? p0 * v : v);
    case SP_UNARY_ELU:
      UNARY_LOOP(v < 0.0f ? p0 * v_expm1(v) : v);
    case SP_UNARY_NEG:
      UNARY_LOOP(-v);
    case SP_UNARY_ABS:
      UNARY_LOOP(v_abs(v));
    case SP_UNARY_FLOOR:
      UNARY_LOOP(__builtin_elementwise_floor(v));
    case SP_UNARY_CEIL:
      UNARY_LOOP(__builtin_elementwise_ceil(v));
    case SP_UNARY_ROUND:
      UNARY_LOOP(__builtin_elementwise_roundeven(v));
    case SP_UNARY_SIGN:
      UNARY_LOOP(v_sign(v));
    case SP_UNARY_SOFTPLUS:
      UNARY_LOOP(v_softplus(v));
    case SP_UNARY_SIN:
      UNARY_LOOP(v_all_within(v, 8192.0f) ? v_sin(v) : sin_or_cos(v, false));
    case SP_UNARY_COS:
      UNARY_LOOP(v_all_within(v, 8192.0f) ? v_cos(v) : sin_or_cos(v, true));
  }
}

#define BINARY_LOOP(expression)                                      \
  for (ptrdiff_t i = 0; i < n; i += VL) {                            \
    vm tail = m_first(n - i);                                        \
    bool whole = n - i >= VL;                                        \
    vf p = a_first, q = b_first;                                     \
    if (a_step) {                                                    \
      p = whole ? v_load(a + i) : v_load_masked(tail, a + i);        \
    }                                                                \
    if (b_step) {                                                    \
      q = whole ? v_load(b + i) : v_load_masked(tail, b + i);        \
    }                                                                \
    (void)q;                                                         \
    vf v = (expression);                                             \
    if (whole) {                                                     \
      v_store(y + i, v);                                             \
    } else {                                                         \
      v_store_masked(tail, y + i, v);                                \
    }                                                                \
  }                                                                  \
  return

// pow(-0, 1/2) is +0 and pow(-inf, 1/2) is +inf, unlike square roots.
V_INLINE vf v_pow_half(vf x) {
  vf root = __builtin_elementwise_sqrt(x + 0.0f);
  return x == -__builtin_inff() ? -x : root;
}

void SP_VERSION(f32_binary)(sp_binary op, ptrdiff_t n, const float *a, ptrdiff_t a_step, const float *b,
                            ptrdiff_t b_step, float *y) {
  if (n <= 0) {
    return;
  }
  vf a_first = v_set1(a[0]), b_first = v_set1(b[0]);
  switch (op) {
    case SP_BINARY_ADD:
      BINARY_LOOP(p + q);
    case SP_BINARY_SUB:
      BINARY_LOOP(p - q);
    case SP_BINARY_MUL:
      BINARY_LOOP(p * q);
    case SP_BINARY_DIV:
      BINARY_LOOP(p / q);
    case SP_BINARY_MIN:
      BINARY_LOOP(v_min_nan(p, q));
    case SP_BINARY_MAX:
      BINARY_LOOP(v_max_nan(p, q));
    case SP_BINARY_POW:
      if (b_step == 0 && b[0] == 2.0f) {
        BINARY_LOOP(p * p);
      }
      if (b_step == 0 && b[0] == 0.5f) {
        BINARY_LOOP(v_pow_half(p));
      }
      f32_binary__scalar(op, n, a, a_step, b, b_step, y);
  }
}

// The compiler makes vectors of these: no element depends on another's.
#define SELECT_LOOP(yes, no)                                                                                           \
  _Pragma("clang loop vectorize(assume_safety)") for (ptrdiff_t i = 0; i < n; i++) { z[i] = condition[i] ? yes : no; } \
  return

void SP_VERSION(u32_select)(ptrdiff_t n, const uint8_t *condition, const uint32_t *x, ptrdiff_t x_step,
                            const uint32_t *y, ptrdiff_t y_step, uint32_t *z) {
  if (n <= 0) {
    return;
  }
  uint32_t x_first = x[0], y_first = y[0];
  if (x_step == 1 && y_step == 1) {
    SELECT_LOOP(x[i], y[i]);
  }
  if (x_step == 1) {
    SELECT_LOOP(x[i], y_first);
  }
  if (y_step == 1) {
    SELECT_LOOP(x_first, y[i]);
  }
  SELECT_LOOP(x_first, y_first);
}

void SP_VERSION(f32_scale_shift)(ptrdiff_t n, const float *x, float scale, float shift, float *y) {
  UNARY_LOOP(v_fma(v, v_set1(scale), v_set1(shift)));
}
