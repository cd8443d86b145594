// Prototypes of every version that kernels.def names.
#ifndef SPARROW_VERSIONS_H
#define SPARROW_VERSIONS_H

#include "CKernels.h"

#define SP_HIDDEN __attribute__((visibility("hidden")))
#define SP_KERNEL(result, name, arguments, avx2, avx512, v128) \
  SP_HIDDEN result name##__scalar arguments;                   \
  SP_HIDDEN result name##__##avx2 arguments;                   \
  SP_HIDDEN result name##__##avx512 arguments;                 \
  SP_HIDDEN result name##__##v128 arguments;
#include "kernels.def"
#undef SP_KERNEL

// Panel sizes. 14x32 keeps 28 sums, 2 vectors of B and 1 of A in 32 registers; 6x16 keeps 12 + 2 + 1 of 16;
// NEON's 8x8 keeps 16 + 2 + 2 of 32; WebAssembly's 6x8 keeps 12 + 2 + 1, of 16 where that is x86-64.
enum {
  SP_GEMM_MR__scalar = 4,
  SP_GEMM_NR__scalar = 4,
  SP_GEMM_MR__avx2 = 6,
  SP_GEMM_NR__avx2 = 16,
  SP_GEMM_MR__avx512 = 14,
  SP_GEMM_NR__avx512 = 32,
#if defined(__wasm__)
  SP_GEMM_MR__v128 = 6,
#else
  SP_GEMM_MR__v128 = 8,
#endif
  SP_GEMM_NR__v128 = 8,
};

#endif
