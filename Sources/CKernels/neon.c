#if defined(__aarch64__)

#include <math.h>

#include "epilogue.h"
#include "versions.h"

#include "vector_neon.h"

// One bit per lane of a comparison's result.
V_INLINE uint32_t bits_of(vi comparison) {
  vu weights = {1, 2, 4, 8};
  return __builtin_reduce_add((vu)comparison & weights);
}

#include "bits_body.h"
#include "math_body.h"
#include "elementwise_body.h"
#include "reduce_body.h"
#include "gemm_body.h"
#include "pack_body.h"
#include "conv_body.h"
#include "spmm_body.h"
#include "window_body.h"
#include "split_body.h"
#include "windows_body.h"
#include "depthwise_body.h"
#include "pool_body.h"
#include "peak_body.h"

#endif
