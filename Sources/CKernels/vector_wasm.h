// WebAssembly: vectors of 4 lanes in as many registers as the processor has, 16 on x86-64. There is no fused
// multiply-add.

#define SP_GEMM_ROWS 6
#define SP_SPMM_WIDTH 6
#define SP_SPMM_SUMS 8
#define SP_SPMM_4X1_WIDTH 3
#define V_NO_FMA

#include "vector_v128.h"
