#include <math.h>

#include "versions.h"

void f32_fma_chains__scalar(ptrdiff_t steps, float *sums) {
  for (ptrdiff_t i = 0; i < steps; i++) {
    for (int t = 0; t < 12; t++) {
      sums[t] = fmaf(sums[t], 0.5f, 1.0f);
    }
  }
}
