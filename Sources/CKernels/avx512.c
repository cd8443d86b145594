#if defined(__x86_64__)

#include <math.h>

#include "epilogue.h"
#include "versions.h"

#include "vector_avx512.h"

// One bit per lane of a comparison's result.
V_INLINE uint32_t bits_of(vi comparison) { return _mm512_movepi32_mask((__m512i)comparison); }

#include "bits_body.h"
#include "math_body.h"
#include "elementwise_body.h"
#include "reduce_body.h"
#include "gemm_body.h"
#include "pack_body.h"
#include "conv_body.h"
#include "spmm_body.h"
#include "spmv_body.h"
#include "window_body.h"
#include "split_body.h"
#include "windows_body.h"
#include "depthwise_body.h"
#include "pool_body.h"
#include "peak_body.h"

ptrdiff_t f32_compress__avx512(ptrdiff_t n, const void *x, const uint8_t *mask_bits, float *out) {
  const char *bytes = x;
  float *start = out;
  for (ptrdiff_t i = 0; i < n; i += 16) {
    ptrdiff_t left = n - i;
    __mmask16 mask = m_first(left) & (mask_bits[i / 8] | (left > 8 ? mask_bits[i / 8 + 1] << 8 : 0));
    int kept = __builtin_popcount(mask);
    // Compressed in a register and stored through a mask: the memory form of the instruction is slow on some CPUs.
    __m512 packed = _mm512_maskz_compress_ps(mask, _mm512_maskz_loadu_ps(m_first(left), bytes + 4 * i));
    _mm512_mask_storeu_ps(out, m_first(kept), packed);
    out += kept;
  }
  return out - start;
}

ptrdiff_t f32_expand__avx512(ptrdiff_t n, const uint8_t *mask_bits, const float *packed, float *out) {
  const float *start = packed;
  for (ptrdiff_t i = 0; i < n; i += 16) {
    ptrdiff_t left = n - i;
    __mmask16 mask = m_first(left) & (mask_bits[i / 8] | (left > 8 ? mask_bits[i / 8 + 1] << 8 : 0));
    int kept = __builtin_popcount(mask);
    __m512 spread = _mm512_maskz_expand_ps(mask, _mm512_maskz_loadu_ps(m_first(kept), packed));
    _mm512_mask_storeu_ps(out + i, m_first(left), spread);
    packed += kept;
  }
  return packed - start;
}

#pragma clang attribute pop

#endif
