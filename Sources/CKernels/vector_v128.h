// Vectors of 128 bits: 4 lanes. There are no masked loads, so a lane mask is a range and its edges are handled lane by
// lane. Nothing here names an instruction set; the includer says how many sums its registers hold.

#define VL 4
#define VI 0, 1, 2, 3
#define SP_VERSION(name) name##__v128

#include "vector_common.h"

typedef struct {
  int lo, hi;
} vm;

V_INLINE vm m_window(ptrdiff_t lo, ptrdiff_t hi) { return (vm){v_lane(lo), v_lane(hi)}; }
V_INLINE vm m_first(ptrdiff_t n) { return (vm){0, v_lane(n)}; }
V_INLINE vm m_and(vm a, vm b) { return (vm){a.lo > b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi}; }
V_INLINE vm m_none(void) { return (vm){0, 0}; }
V_INLINE bool m_full(vm m) { return m.lo == 0 && m.hi == VL; }
V_INLINE vf m_select(vm m, vf a, vf b) {
  vi inside = (v_iota() >= (vi)m.lo) & (v_iota() < (vi)m.hi);
  return inside ? a : b;
}

// Lanes outside the mask are not read.
V_INLINE vf v_load_or(vm m, const float *p, vf otherwise) {
  if (m_full(m)) {
    return v_load(p);
  }
  for (int i = m.lo; i < m.hi; i++) {
    otherwise[i] = p[i];
  }
  return otherwise;
}
V_INLINE vf v_load_masked(vm m, const float *p) { return v_load_or(m, p, v_zero()); }
// Lane i if bit i is set.
V_INLINE vf v_load_bits(uint32_t lanes, const float *p) {
  if ((lanes & 15) == 15) {
    return v_load(p);
  }
  vf v = v_zero();
  for (int i = 0; i < VL; i++) {
    if (lanes >> i & 1) {
      v[i] = p[i];
    }
  }
  return v;
}
V_INLINE void v_store_masked(vm m, float *p, vf v) {
  if (m_full(m)) {
    v_store(p, v);
    return;
  }
  for (int i = m.lo; i < m.hi; i++) {
    p[i] = v[i];
  }
}

// Lanes 0, 2, 4, ... of a followed by b.
V_INLINE vf v_even(vf a, vf b) { return __builtin_shufflevector(a, b, 0, 2, 4, 6); }
// Lanes 1, 3, 5, ... of a followed by b.
V_INLINE vf v_odd(vf a, vf b) { return __builtin_shufflevector(a, b, 1, 3, 5, 7); }
// a0 b0 a1 b1 ..., lower and upper half.
V_INLINE vf v_zip_lo(vf a, vf b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
V_INLINE vf v_zip_hi(vf a, vf b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
// The lower half of a, then that of b.
V_INLINE vf v_join(vf a, vf b) {
  return __builtin_shufflevector(a, b, 0, 1, 4, 5);
}
// The upper half, twice.
V_INLINE vf v_upper(vf a) {
  return __builtin_shufflevector(a, a, 2, 3, 2, 3);
}
// Lanes 1, 2, ... of a, then lane 0 of b.
V_INLINE vf v_shift(vf a, vf b) {
  return __builtin_shufflevector(a, b, 1, 2, 3, 4);
}

// One bit per lane of a comparison's result.
V_INLINE uint32_t bits_of(vi comparison) {
  vu weights = {1, 2, 4, 8};
  return __builtin_reduce_add((vu)comparison & weights);
}
