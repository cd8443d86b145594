#include <stdlib.h>
#include <string.h>

#include "versions.h"

#define SP_TABLE(set, ISA, lanes)                                   \
  static const sp_kernel_table table_##set = {                      \
      .isa = ISA,                                                   \
      .vector_floats = lanes,                                       \
      .gemm_mr = SP_GEMM_MR__##set,                                  \
      .gemm_nr = SP_GEMM_NR__##set,

#define SP_KERNEL(result, name, arguments, avx2, avx512, v128) .name = name##__scalar,
SP_TABLE(scalar, SP_ISA_SCALAR, 1)
#include "kernels.def"
};
#undef SP_KERNEL

#if defined(__x86_64__)
#define SP_KERNEL(result, name, arguments, avx2, avx512, v128) .name = name##__##avx2,
SP_TABLE(avx2, SP_ISA_AVX2, 8)
#include "kernels.def"
};
#undef SP_KERNEL

#define SP_KERNEL(result, name, arguments, avx2, avx512, v128) .name = name##__##avx512,
SP_TABLE(avx512, SP_ISA_AVX512, 16)
#include "kernels.def"
};
#undef SP_KERNEL
#endif

// Of the sets that have 128 bits, the one of this architecture.
#if defined(__aarch64__)
#define SP_ISA_V128 SP_ISA_NEON
#elif defined(__wasm_simd128__)
#define SP_ISA_V128 SP_ISA_WASM
#endif

#if defined(SP_ISA_V128)
#define SP_KERNEL(result, name, arguments, avx2, avx512, v128) .name = name##__##v128,
SP_TABLE(v128, SP_ISA_V128, 4)
#include "kernels.def"
};
#undef SP_KERNEL
#endif

bool sp_isa_available(sp_isa isa) {
  switch (isa) {
    case SP_ISA_SCALAR:
      return true;
#if defined(__x86_64__)
    // The builtin also asks the operating system (XGETBV) whether it saves the wide registers.
    case SP_ISA_AVX2:
      __builtin_cpu_init();
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("popcnt");
    case SP_ISA_AVX512:
      return sp_isa_available(SP_ISA_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
#if defined(SP_ISA_V128)
    case SP_ISA_V128:
      return true;
#endif
    default:
      return false;
  }
}

const char *sp_isa_name(sp_isa isa) {
  switch (isa) {
    case SP_ISA_SCALAR:
      return "scalar";
    case SP_ISA_AVX2:
      return "avx2";
    case SP_ISA_AVX512:
      return "avx512";
    case SP_ISA_NEON:
      return "neon";
    case SP_ISA_WASM:
      return "wasm";
  }
  return "unknown";
}

static sp_isa choose_isa(void) {
  const char *wanted = getenv("SPARROW_ISA");
  if (wanted) {
    for (int isa = SP_ISA_SCALAR; isa <= SP_ISA_WASM; isa++) {
      if (strcmp(wanted, sp_isa_name((sp_isa)isa)) == 0 && sp_isa_available((sp_isa)isa)) {
        return (sp_isa)isa;
      }
    }
  }
  for (int isa = SP_ISA_WASM; isa > SP_ISA_SCALAR; isa--) {
    if (sp_isa_available((sp_isa)isa)) {
      return (sp_isa)isa;
    }
  }
  return SP_ISA_SCALAR;
}

sp_isa sp_best_isa(void) {
  static int chosen = -1;  // every thread would compute the same value
  int isa = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
  if (isa < 0) {
    isa = choose_isa();
    __atomic_store_n(&chosen, isa, __ATOMIC_RELAXED);
  }
  return (sp_isa)isa;
}

const sp_kernel_table *sp_kernels(sp_isa isa) {
#if defined(__x86_64__)
  if (isa >= SP_ISA_AVX512 && sp_isa_available(SP_ISA_AVX512)) {
    return &table_avx512;
  }
  if (isa >= SP_ISA_AVX2 && sp_isa_available(SP_ISA_AVX2)) {
    return &table_avx2;
  }
#endif
#if defined(SP_ISA_V128)
  if (isa == SP_ISA_V128) {
    return &table_v128;
  }
#endif
  return &table_scalar;
}

const sp_kernel_table *sp_kernels_best(void) { return sp_kernels(sp_best_isa()); }
