// Vector operations that need no instruction set's own names. The includer has defined VL (floats in a vector) and VI
// (a row of VL comma-separated lane numbers); a target attribute is in force for everything that follows.

#define V_INLINE static inline __attribute__((always_inline, unused))
#define V_UNROLL _Pragma("clang loop unroll(full)")
#define V_NO_UNROLL _Pragma("clang loop unroll(disable)")

typedef float vf __attribute__((ext_vector_type(VL)));
typedef int32_t vi __attribute__((ext_vector_type(VL)));
typedef uint32_t vu __attribute__((ext_vector_type(VL)));

struct v_unaligned {
  vf v;
} __attribute__((packed, may_alias));

V_INLINE vf v_load(const void *p) { return ((const struct v_unaligned *)p)->v; }
V_INLINE void v_store(void *p, vf v) { ((struct v_unaligned *)p)->v = v; }
V_INLINE vf v_set1(float x) { return (vf)x; }
V_INLINE vf v_zero(void) { return (vf)0.0f; }
// v_fma may round the product, v_fused does not.
#ifdef V_NO_FMA
typedef double vd __attribute__((ext_vector_type(VL)));
V_INLINE vd v_wide(vf x) { return __builtin_convertvector(x, vd); }
V_INLINE vf v_fma(vf a, vf b, vf c) { return a * b + c; }
V_INLINE vf v_fused(vf a, vf b, vf c) { return __builtin_convertvector(v_wide(a) * v_wide(b) + v_wide(c), vf); }
#else
V_INLINE vf v_fma(vf a, vf b, vf c) { return __builtin_elementwise_fma(a, b, c); }
V_INLINE vf v_fused(vf a, vf b, vf c) { return v_fma(a, b, c); }
#endif
V_INLINE vf v_abs(vf x) { return __builtin_elementwise_abs(x); }
V_INLINE vu v_bits(vf x) { return (vu)x; }
V_INLINE vf v_from_bits(vu x) { return (vf)x; }
V_INLINE vi v_iota(void) { return (vi){VI}; }

// A NaN in `x` stays: the comparison is false.
V_INLINE vf v_at_least(vf lo, vf x) { return lo > x ? lo : x; }
V_INLINE vf v_at_most(vf hi, vf x) { return hi < x ? hi : x; }
V_INLINE vf v_clamp(vf x, vf lo, vf hi) { return v_at_most(hi, v_at_least(lo, x)); }

// A NaN on either side wins.
V_INLINE vf v_max_nan(vf a, vf b) {
  vf m = a > b ? a : b;
  return a != a ? a : m;
}
V_INLINE vf v_min_nan(vf a, vf b) {
  vf m = a < b ? a : b;
  return a != a ? a : m;
}

V_INLINE ptrdiff_t v_min_index(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
V_INLINE ptrdiff_t v_max_index(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }
V_INLINE int v_lane(ptrdiff_t i) { return (int)v_min_index(v_max_index(i, 0), VL); }

// Address arithmetic that may leave the array before a mask brings it back.
V_INLINE const float *v_at(const float *p, ptrdiff_t i) { return (const float *)((uintptr_t)p + (uintptr_t)i * 4); }

// Halves are combined until one lane is left.
#if VL == 16
#define V_REDUCE(x, combine)                 \
  vf a16 = (x);                              \
  v8f a8 = combine(a16.lo, a16.hi, v8f);     \
  v4f a4 = combine(a8.lo, a8.hi, v4f);
#elif VL == 8
#define V_REDUCE(x, combine)                 \
  vf a8 = (x);                               \
  v4f a4 = combine(a8.lo, a8.hi, v4f);
#else
#define V_REDUCE(x, combine) vf a4 = (x);
#endif
typedef float v8f __attribute__((ext_vector_type(8)));
typedef float v4f __attribute__((ext_vector_type(4)));
typedef float v2f __attribute__((ext_vector_type(2)));
#define V_COMBINE_ADD(a, b, type) ((type)(a) + (type)(b))
#define V_COMBINE_MAX(a, b, type) \
  ((type)(a) != (type)(a) ? (type)(a) : (type)(a) > (type)(b) ? (type)(a) : (type)(b))

V_INLINE float v_reduce_add(vf x) {
  V_REDUCE(x, V_COMBINE_ADD)
  v2f a2 = a4.lo + a4.hi;
  return a2.x + a2.y;
}

V_INLINE float v_reduce_max_nan(vf x) {
  V_REDUCE(x, V_COMBINE_MAX)
  v2f a2 = V_COMBINE_MAX(a4.lo, a4.hi, v2f);
  float m = a2.x > a2.y ? a2.x : a2.y;
  return a2.x != a2.x ? a2.x : m;
}
