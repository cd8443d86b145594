// AVX2 with FMA: 8 lanes, lane masks as vectors of all-ones and all-zeros lanes.
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,popcnt"))), apply_to = function)

#define VL 8
#define VI 0, 1, 2, 3, 4, 5, 6, 7
#define SP_VERSION(name) name##__avx2
#define SP_GEMM_ROWS 6
#define SP_SPMM_WIDTH 6
#define SP_SPMM_SUMS 8
#define SP_SPMM_4X1_WIDTH 3

#include "vector_common.h"

typedef vi vm;

V_INLINE vm m_window(ptrdiff_t lo, ptrdiff_t hi) { return (v_iota() >= (vi)v_lane(lo)) & (v_iota() < (vi)v_lane(hi)); }
V_INLINE vm m_first(ptrdiff_t n) { return v_iota() < (vi)v_lane(n); }
V_INLINE vm m_and(vm a, vm b) { return a & b; }
V_INLINE vm m_none(void) { return (vm)0; }
V_INLINE vf m_select(vm m, vf a, vf b) { return (vf)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)m); }

// Lanes outside the mask are not read.
V_INLINE vf v_load_masked(vm m, const float *p) { return (vf)_mm256_maskload_ps(p, (__m256i)m); }
// Lane i if bit i is set.
V_INLINE vf v_load_bits(uint32_t lanes, const float *p) {
  return v_load_masked((((vi)(int)lanes >> v_iota()) & 1) != 0, p);
}
V_INLINE vf v_load_or(vm m, const float *p, vf otherwise) { return m_select(m, v_load_masked(m, p), otherwise); }
V_INLINE void v_store_masked(vm m, float *p, vf v) { _mm256_maskstore_ps(p, (__m256i)m, (__m256)v); }

// Lanes 0, 2, 4, ... of a followed by b.
V_INLINE vf v_even(vf a, vf b) { return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14); }
// a0 b0 a1 b1 ..., lower and upper half.
V_INLINE vf v_zip_lo(vf a, vf b) { return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
V_INLINE vf v_zip_hi(vf a, vf b) { return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
// Lanes 1, 3, 5, ... of a followed by b.
V_INLINE vf v_odd(vf a, vf b) { return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15); }
// x[columns[0]], x[columns[1]], ...
V_INLINE vf v_gather(const float *x, const uint16_t *columns) {
  return (vf)_mm256_i32gather_ps(x, _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)columns)), 4);
}
// The lower half of a, then that of b.
V_INLINE vf v_join(vf a, vf b) {
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
}
// The upper half, twice.
V_INLINE vf v_upper(vf a) {
  return __builtin_shufflevector(a, a, 4, 5, 6, 7, 4, 5, 6, 7);
}
// Lanes 1, 2, ... of a, then lane 0 of b.
V_INLINE vf v_shift(vf a, vf b) {
  return __builtin_shufflevector(a, b, 1, 2, 3, 4, 5, 6, 7, 8);
}
