// NEON: 32 registers of 4 lanes.

#define SP_GEMM_ROWS 8
#define SP_SPMM_WIDTH 6
#define SP_SPMM_SUMS 16
#define SP_SPMM_4X1_WIDTH 4

#include "vector_v128.h"
