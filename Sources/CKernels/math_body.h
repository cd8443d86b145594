// Elementary functions without branches, about 1 to 3 ulp. Polynomials are minimax fits over the reduced ranges.

// The integer nearest to x * scale, as a float and as an integer: adding 1.5 * 2^23 leaves it in the low bits, and unlike
// a conversion that is defined for NaN. |x * scale| < 2^22.
typedef struct {
  vf value;
  vu integer;
} nearest;

V_INLINE nearest v_nearest(vf x, float scale) {
  vf magic = v_set1(12582912.0f), shifted = v_fma(x, v_set1(scale), magic);
  return (nearest){shifted - magic, v_bits(shifted) - v_bits(magic)};
}

// 2^n for -127 < n < 128.
V_INLINE vf v_power_of_2(vu n) { return v_from_bits((n + 127) << 23); }

// exp(x) = 2^n (1 + q), |x - n ln 2| <= ln 2 / 2.
typedef struct {
  nearest n;
  vf q;
} exp_parts;

V_INLINE exp_parts v_exp_parts(vf x) {
  nearest n = v_nearest(x, 0x1.715476p+0f);
  vf r = v_fused(n.value, v_set1(-0x1.62e43p-1f), x);
  r = v_fma(n.value, v_set1(0x1.05c61p-29f), r);
  vf q = v_set1(1.395297e-3f);
  q = v_fma(q, r, v_set1(8.370322e-3f));
  q = v_fma(q, r, v_set1(4.166617e-2f));
  q = v_fma(q, r, v_set1(1.6666506e-1f));
  q = v_fma(q, r, v_set1(0.5f));
  return (exp_parts){n, v_fma(q, r * r, r)};
}

// x 2^n: results below 2^-126 lose bits as they should and overflow is inf.
V_INLINE vf v_scaled(vf x, nearest n) {
#ifdef V_SCALEF
  return V_SCALEF(x, n.value);
#else
  vu half = (vu)((vi)n.integer >> 1);
  return x * v_power_of_2(half) * v_power_of_2(n.integer - half);
#endif
}

V_INLINE vf v_exp(vf x) {
  exp_parts e = v_exp_parts(v_clamp(x, v_set1(-104.0f), v_set1(90.0f)));
  return v_scaled(1.0f + e.q, e.n);
}

// exp(x) - 1 without cancellation near 0. -1 below -40, and no more than exp(40) above.
V_INLINE vf v_expm1(vf x) {
  exp_parts e = v_exp_parts(v_clamp(x, v_set1(-40.0f), v_set1(40.0f)));
  vf scale = v_power_of_2(e.n.integer);
  return v_fma(scale, e.q, scale - 1.0f);
}

// log(m) + n ln 2 with m in [sqrt 1/2, sqrt 2).
V_INLINE vf v_log(vf x) {
  vf subnormal = x < 0x1p-126f ? v_set1(0x1p23f) : v_set1(1.0f);
  vu bits = v_bits(x * subnormal) - 0x3f3504f3u;
  vi n = (vi)bits >> 23;
  vf f = v_from_bits((bits & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
  vf exponent = __builtin_convertvector(n, vf) - (subnormal > 1.0f ? v_set1(23.0f) : v_zero());
  vf p = v_set1(-7.8728616e-2f);
  p = v_fma(p, f, v_set1(1.2900154e-1f));
  p = v_fma(p, f, v_set1(-1.3132234e-1f));
  p = v_fma(p, f, v_set1(1.4178826e-1f));
  p = v_fma(p, f, v_set1(-1.6623998e-1f));
  p = v_fma(p, f, v_set1(2.0002374e-1f));
  p = v_fma(p, f, v_set1(-2.5000826e-1f));
  p = v_fma(p, f, v_set1(3.3333316e-1f));
  vf square = f * f, small = v_fma(exponent, v_set1(-0x1.05c61p-29f), p * f * square);
  vf log = v_fma(exponent, v_set1(0x1.62e43p-1f), v_fma(square, v_set1(-0.5f), small) + f);
  log = x == __builtin_inff() ? x : log;
  log = x == 0.0f ? v_set1(-__builtin_inff()) : log;
  return x >= 0.0f ? log : v_set1(__builtin_nanf(""));
}

// log(1 + x) for x in [0, 1]: the rounding of 1 + x is put back as a quotient.
V_INLINE vf v_log1p(vf x) {
  vf u = 1.0f + x;
  return v_log(u) + (x - (u - 1.0f)) / u;
}

V_INLINE vf v_sigmoid(vf x) { return 1.0f / (1.0f + v_exp(-x)); }

V_INLINE vf v_with_sign(vf magnitude, vf sign) {
  return v_from_bits(v_bits(magnitude) | (v_bits(sign) & 0x80000000u));
}

// (e^2x - 1) / (e^2x + 1).
V_INLINE vf v_tanh(vf x) {
  vf e = v_expm1(2.0f * v_at_most(v_set1(10.0f), v_abs(x)));
  return v_with_sign(e / (e + 2.0f), x);
}

// Below 1 an odd polynomial; from there 1 - exp(polynomial), and 1 in float from 4 on.
V_INLINE vf v_erf(vf x) {
  vf a = v_at_most(v_set1(4.0f), v_abs(x)), z = x * x;
  vf s = v_set1(7.6901975e-5f);
  s = v_fma(s, z, v_set1(-7.95973e-4f));
  s = v_fma(s, z, v_set1(5.182397e-3f));
  s = v_fma(s, z, v_set1(-2.6850514e-2f));
  s = v_fma(s, z, v_set1(1.1283498e-1f));
  s = v_fma(s, z, v_set1(-3.7612617e-1f));
  s = v_fma(s, z, v_set1(1.1283791e+0f));
  vf l = v_set1(-2.1686814e-5f);
  l = v_fma(l, a, v_set1(4.413359e-4f));
  l = v_fma(l, a, v_set1(-4.204559e-3f));
  l = v_fma(l, a, v_set1(2.5208248e-2f));
  l = v_fma(l, a, v_set1(-1.0841856e-1f));
  l = v_fma(l, a, v_set1(-6.332199e-1f));
  l = v_fma(l, a, v_set1(-1.1295785e+0f));
  l = v_fma(l, a, v_set1(1.8803818e-4f));
  vf large = v_with_sign(-v_expm1(l), x);
  return a < 1.0f ? s * x : large;
}

#ifdef V_LOOKUP
#include "gelu_table.h"

// x's positive part less |x| erfc(|x| / sqrt 2) / 2. The clamp is for infinity, which would multiply 0.
V_INLINE vf v_gelu(vf x) {
  vf a = v_abs(v_at_most(v_set1(6.0f), x)), y = v_at_most(v_set1(31.0f), a * (16.0f / 3));
  nearest k = v_nearest(y, 1.0f);
  vf r = y - k.value, tail = V_LOOKUP(sp_gelu_tail[4], k.integer);
  V_UNROLL
  for (int i = 3; i >= 0; i--) {
    tail = v_fma(tail, r, V_LOOKUP(sp_gelu_tail[i], k.integer));
  }
  return v_fma(-a, tail, v_at_least(v_zero(), x));
}
#else
V_INLINE vf v_gelu(vf x) {
  vf half = 0.5f * x;
  return v_fma(half, v_erf(x * 0.707106781f), half);
}
#endif

V_INLINE vf v_gelu_tanh(vf x) {
  return 0.5f * x * (1.0f + v_tanh(0.797884561f * v_fma(x * x * x, v_set1(0.044715f), x)));
}

V_INLINE vf v_softplus(vf x) { return v_at_least(v_zero(), x) + v_log1p(v_exp(-v_abs(x))); }

// sin(x + quarter_turns * pi / 2), by the distance r to the nearest multiple of pi / 2. Beyond |x| = 8192 three floats
// of pi / 2 are too few and the C library reduces the argument.
V_INLINE vf v_sin_turned(vf x, uint32_t quarter_turns) {
  nearest n = v_nearest(x, 0x1.45f306p-1f);
  vf r = v_fused(n.value, v_set1(-0x1.921fb6p+0f), x);
  r = v_fused(n.value, v_set1(0x1.777a5cp-25f), r);
  r = v_fma(n.value, v_set1(0x1.ee59dap-50f), r);
  vf z = r * r;
  vf s = v_set1(-1.9510837e-4f);
  s = v_fma(s, z, v_set1(8.332131e-3f));
  s = v_fma(s, z, v_set1(-1.6666654e-1f));
  s = v_fma(s, z * r, r);
  vf c = v_set1(2.4431203e-5f);
  c = v_fma(c, z, v_set1(-1.3887306e-3f));
  c = v_fma(c, z, v_set1(4.1666646e-2f));
  c = v_fma(c, z * z, v_fma(z, v_set1(-0.5f), v_set1(1.0f)));
  vu quadrant = n.integer + quarter_turns;
  vf v = (quadrant & 1u) != 0 ? c : s;
  return v_from_bits(v_bits(v) ^ ((quadrant & 2u) << 30));
}
V_INLINE vf v_sin(vf x) { return v_sin_turned(x, 0); }
V_INLINE vf v_cos(vf x) { return v_sin_turned(x, 1); }
