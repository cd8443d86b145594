// Reductions, softmax and layer normalisation.
#include <math.h>

#include "versions.h"

float f32_sum__scalar(ptrdiff_t n, const float *x) {
  float sum[8] = {0};
  ptrdiff_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int j = 0; j < 8; j++) {
      sum[j] += x[i + j];
    }
  }
  for (int j = 0; i < n; i++, j++) {
    sum[j] += x[i];
  }
  return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

float f32_squares__scalar(ptrdiff_t n, const float *x, float center) {
  float sum[8] = {0};
  for (ptrdiff_t i = 0; i < n; i++) {
    float d = x[i] - center;
    sum[i % 8] += d * d;
  }
  return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

float f32_centered_dot__scalar(ptrdiff_t n, const float *x, float center, const float *y) {
  float sum[8] = {0};
  for (ptrdiff_t i = 0; i < n; i++) {
    sum[i % 8] += (x[i] - center) * y[i];
  }
  return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

void f32_dots__scalar(ptrdiff_t n, const float *g, const float *x, const int32_t *offsets, ptrdiff_t count,
                      float *sums) {
  for (ptrdiff_t i = 0; i < count; i++) {
    sums[i] += f32_centered_dot__scalar(n, x + offsets[i], 0, g);
  }
}

void f32_blend__scalar(ptrdiff_t n, const float *x, float center, float p, const float *y, float q, float r, float *z) {
  for (ptrdiff_t i = 0; i < n; i++) {
    z[i] = (x[i] - center) * p + (y[i] * q + r);
  }
}

float f32_max__scalar(ptrdiff_t n, const float *x) {
  float best = -INFINITY;
  for (ptrdiff_t i = 0; i < n; i++) {
    best = x[i] > best || isnan(x[i]) ? x[i] : best;
  }
  return best;
}

void f32_softmax__scalar(ptrdiff_t n, const float *x, float *y) {
  float largest = f32_max__scalar(n, x);
  for (ptrdiff_t i = 0; i < n; i++) {
    y[i] = expf(x[i] - largest);
  }
  float scale = 1 / f32_sum__scalar(n, y);
  for (ptrdiff_t i = 0; i < n; i++) {
    y[i] *= scale;
  }
}

void f32_layer_norm__scalar(ptrdiff_t n, const float *x, const float *addend, const float *gamma, const float *beta,
                            float epsilon, float *y) {
  for (ptrdiff_t i = 0; addend && i < n; i++) {
    y[i] = x[i] + addend[i];
  }
  x = addend ? y : x;
  float mean = f32_sum__scalar(n, x) / (float)n, squares = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    squares += (x[i] - mean) * (x[i] - mean);
  }
  float scale = 1 / sqrtf(squares / (float)n + epsilon);
  for (ptrdiff_t i = 0; i < n; i++) {
    y[i] = (x[i] - mean) * scale * (gamma ? gamma[i] : 1) + (beta ? beta[i] : 0);
  }
}
