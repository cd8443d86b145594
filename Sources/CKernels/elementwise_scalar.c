// The C library's functions, one element at a time.
#include <math.h>

#include "versions.h"

static float clamped(float x, float lo, float hi) {
  x = x < lo ? lo : x;
  return x > hi ? hi : x;
}

static float unary(sp_unary op, float x, float p0, float p1) {
  switch (op) {
    case SP_UNARY_RELU:
      return x < 0 ? 0 : x;
    case SP_UNARY_CLIP:
      return clamped(x, p0, p1);
    case SP_UNARY_SIGMOID:
      return 1 / (1 + expf(-x));
    case SP_UNARY_TANH:
      return tanhf(x);
    case SP_UNARY_EXP:
      return expf(x);
    case SP_UNARY_LOG:
      return logf(x);
    case SP_UNARY_SQRT:
      return sqrtf(x);
    case SP_UNARY_RECIPROCAL:
      return 1 / x;
    case SP_UNARY_ERF:
      return erff(x);
    case SP_UNARY_GELU:
      return 0.5f * x * (1 + erff(x * 0.707106781f));
    case SP_UNARY_GELU_TANH:
      return 0.5f * x * (1 + tanhf(0.797884561f * (x + 0.044715f * x * x * x)));
    case SP_UNARY_HARD_SIGMOID:
      return clamped(p0 * x + p1, 0, 1);
    case SP_UNARY_HARD_SWISH:
      return x * clamped(x * (1.0f / 6) + 0.5f, 0, 1);
    case SP_UNARY_SILU:
      return x / (1 + expf(-x));
    case SP_UNARY_LEAKY_RELU:
      return x < 0 ? p0 * x : x;
    case SP_UNARY_ELU:
      return x < 0 ? p0 * expm1f(x) : x;
    case SP_UNARY_NEG:
      return -x;
    case SP_UNARY_ABS:
      return fabsf(x);
    case SP_UNARY_FLOOR:
      return floorf(x);
    case SP_UNARY_CEIL:
      return ceilf(x);
    case SP_UNARY_ROUND:
      return rintf(x);
    case SP_UNARY_SIGN:
      return isnan(x) ? x : (float)((x > 0) - (x < 0));
    case SP_UNARY_SOFTPLUS:
      return (x > 0 ? x : isnan(x) ? x : 0) + log1pf(expf(-fabsf(x)));
    case SP_UNARY_SIN:
      return sinf(x);
    case SP_UNARY_COS:
      return cosf(x);
  }
  return x;
}

static float binary(sp_binary op, float a, float b) {
  switch (op) {
    case SP_BINARY_ADD:
      return a + b;
    case SP_BINARY_SUB:
      return a - b;
    case SP_BINARY_MUL:
      return a * b;
    case SP_BINARY_DIV:
      return a / b;
    case SP_BINARY_MIN:
      return a < b || isnan(a) ? a : b;
    case SP_BINARY_MAX:
      return a > b || isnan(a) ? a : b;
    case SP_BINARY_POW:
      return powf(a, b);
  }
  return a;
}

void f32_unary__scalar(sp_unary op, ptrdiff_t n, const float *x, float *y, float p0, float p1) {
  for (ptrdiff_t i = 0; i < n; i++) {
    y[i] = unary(op, x[i], p0, p1);
  }
}

void f32_binary__scalar(sp_binary op, ptrdiff_t n, const float *a, ptrdiff_t a_step, const float *b, ptrdiff_t b_step,
                        float *y) {
  for (ptrdiff_t i = 0; i < n; i++) {
    y[i] = binary(op, a[i * a_step], b[i * b_step]);
  }
}

void u32_select__scalar(ptrdiff_t n, const uint8_t *condition, const uint32_t *x, ptrdiff_t x_step, const uint32_t *y,
                        ptrdiff_t y_step, uint32_t *z) {
  for (ptrdiff_t i = 0; i < n; i++) {
    z[i] = condition[i] ? x[i * x_step] : y[i * y_step];
  }
}

void f32_scale_shift__scalar(ptrdiff_t n, const float *x, float scale, float shift, float *y) {
  for (ptrdiff_t i = 0; i < n; i++) {
    y[i] = x[i] * scale + shift;
  }
}
