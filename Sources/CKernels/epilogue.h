// The epilogue with the parts that do not apply already switched off.
#ifndef SPARROW_EPILOGUE_H
#define SPARROW_EPILOGUE_H

#include <math.h>

#include "CKernels.h"

static inline sp_epilogue sp_resolved(const sp_epilogue *epilogue) {
  sp_epilogue e = *epilogue;
  if (!e.last) {
    e.row_bias = e.column_bias = e.residual = NULL;
    e.lo = -INFINITY;
    e.hi = INFINITY;
  }
  return e;
}

// `c` is the element's present value.
static inline float sp_finish(float sum, const sp_epilogue *e, ptrdiff_t i, ptrdiff_t j, float c) {
  sum += e->accumulate ? c : 0;
  sum += e->row_bias ? e->row_bias[i] : 0;
  sum += e->column_bias ? e->column_bias[j] : 0;
  sum += e->residual ? e->residual[i * e->residual_stride + j] : 0;
  sum = sum < e->lo ? e->lo : sum;
  return sum > e->hi ? e->hi : sum;
}

#endif
