// AVX-512: 16 lanes, lane masks in mask registers.
#include <immintrin.h>

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,popcnt"))), apply_to = function)

#define VL 16
#define VI 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
#define SP_VERSION(name) name##__avx512
#define SP_GEMM_ROWS 14
#define SP_SPMM_WIDTH 6
#define SP_SPMM_SUMS 8
#define SP_SPMM_4X1_WIDTH 6

#include "vector_common.h"

typedef __mmask16 vm;

V_INLINE vm m_window(ptrdiff_t lo, ptrdiff_t hi) {
  uint32_t below_hi = (1u << v_lane(hi)) - 1, below_lo = (1u << v_lane(lo)) - 1;
  return (vm)(below_hi & ~below_lo);
}
V_INLINE vm m_first(ptrdiff_t n) { return (vm)((1u << v_lane(n)) - 1); }
V_INLINE vm m_and(vm a, vm b) { return a & b; }
V_INLINE vm m_none(void) { return 0; }
V_INLINE vf m_select(vm m, vf a, vf b) { return (vf)_mm512_mask_blend_ps(m, (__m512)b, (__m512)a); }

// Lanes outside the mask are not read.
V_INLINE vf v_load_masked(vm m, const float *p) { return (vf)_mm512_maskz_loadu_ps(m, p); }
V_INLINE vf v_load_bits(uint32_t lanes, const float *p) { return v_load_masked((vm)lanes, p); }
V_INLINE vf v_load_or(vm m, const float *p, vf otherwise) { return (vf)_mm512_mask_loadu_ps((__m512)otherwise, m, p); }
V_INLINE void v_store_masked(vm m, float *p, vf v) { _mm512_mask_storeu_ps(p, m, (__m512)v); }

// Lanes 0, 2, 4, ... of a followed by b.
V_INLINE vf v_even(vf a, vf b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}
// a0 b0 a1 b1 ..., lower and upper half.
V_INLINE vf v_zip_lo(vf a, vf b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
V_INLINE vf v_zip_hi(vf a, vf b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
// Lanes 1, 3, 5, ... of a followed by b.
V_INLINE vf v_odd(vf a, vf b) {
  return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}
// x[columns[0]], x[columns[1]], ...
V_INLINE vf v_gather(const float *x, const uint16_t *columns) {
  return (vf)_mm512_i32gather_ps(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)columns)), x, 4);
}
// The lower half of a, then that of b.
V_INLINE vf v_join(vf a, vf b) {
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
}
// The upper half, twice.
V_INLINE vf v_upper(vf a) {
  return __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
}
// Lanes 1, 2, ... of a, then lane 0 of b.
V_INLINE vf v_shift(vf a, vf b) {
  return __builtin_shufflevector(a, b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
}
// Lane i is element index[i] mod 32 of a table of 32 floats.
#define V_LOOKUP(table, index)                                                             \
  ((vf)_mm512_permutex2var_ps((__m512)v_load(table), (__m512i)(index), (__m512)v_load((table) + 16)))
// x 2^n for integers n.
#define V_SCALEF(x, n) ((vf)_mm512_scalef_ps((__m512)(x), (__m512)(n)))
