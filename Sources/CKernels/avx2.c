#if defined(__x86_64__)

#include <math.h>

#include "epilogue.h"
#include "versions.h"

#include "vector_avx2.h"

// One bit per lane of a comparison's result.
V_INLINE uint32_t bits_of(vi comparison) { return (uint32_t)_mm256_movemask_ps((__m256)comparison); }

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

#pragma clang attribute pop

#endif
