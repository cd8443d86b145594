#include "epilogue.h"
#include "versions.h"

enum { MR = SP_GEMM_MR__scalar, NR = SP_GEMM_NR__scalar };

void f32_gemm__scalar(ptrdiff_t k, const float *a, const float *b, float *c, ptrdiff_t ldc, ptrdiff_t m, ptrdiff_t n,
                      const sp_epilogue *epilogue) {
  sp_epilogue e = sp_resolved(epilogue);
  float sum[MR][NR] = {{0}};
  for (ptrdiff_t kk = 0; kk < k; kk++) {
    for (int i = 0; i < MR; i++) {
      for (int j = 0; j < NR; j++) {
        sum[i][j] += a[kk * MR + i] * b[kk * NR + j];
      }
    }
  }
  for (ptrdiff_t i = 0; i < m; i++) {
    for (ptrdiff_t j = 0; j < n; j++) {
      c[i * ldc + j] = sp_finish(sum[i][j], &e, i, j, e.accumulate ? c[i * ldc + j] : 0);
    }
  }
}

void f32_pack_a__scalar(ptrdiff_t rows, ptrdiff_t k, const float *src, ptrdiff_t row_stride, ptrdiff_t column_stride,
                        float *dst) {
  for (ptrdiff_t kk = 0; kk < k; kk++) {
    for (ptrdiff_t i = 0; i < MR; i++) {
      *dst++ = i < rows ? src[i * row_stride + kk * column_stride] : 0;
    }
  }
}

void f32_pack_b__scalar(ptrdiff_t k, ptrdiff_t columns, const float *src, ptrdiff_t row_stride,
                        ptrdiff_t column_stride, float *dst) {
  for (ptrdiff_t kk = 0; kk < k; kk++) {
    for (ptrdiff_t j = 0; j < NR; j++) {
      *dst++ = j < columns ? src[kk * row_stride + j * column_stride] : 0;
    }
  }
}

void f32_transpose__scalar(ptrdiff_t rows, ptrdiff_t columns, const float *src, ptrdiff_t src_stride, float *dst,
                           ptrdiff_t dst_stride) {
  for (ptrdiff_t j = 0; j < columns; j++) {
    for (ptrdiff_t i = 0; i < rows; i++) {
      dst[j * dst_stride + i] = src[i * src_stride + j];
    }
  }
}
