#if defined(__wasm_simd128__)

#include <math.h>

#include "epilogue.h"
#include "versions.h"

#include "vector_wasm.h"

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
