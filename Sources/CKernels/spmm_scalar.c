#include "epilogue.h"
#include "versions.h"

static const float *input_row(const float *b, uint32_t offset) { return (const float *)((const char *)b + offset); }

void f32_spmm__scalar(ptrdiff_t rows_begin, ptrdiff_t rows_end, const uint32_t *row_start, const sp_sparse_pair *pairs,
                      const float *b, ptrdiff_t n, float *c, ptrdiff_t ldc, const sp_epilogue *epilogue) {
  sp_epilogue e = sp_resolved(epilogue);
  for (ptrdiff_t r = rows_begin; r < rows_end; r++) {
    for (ptrdiff_t j = 0; j < n; j++) {
      float sum = 0;
      for (uint32_t p = row_start[r]; p < row_start[r + 1]; p++) {
        sum += pairs[p].value * input_row(b, pairs[p].offset)[j];
      }
      c[r * ldc + j] = sp_finish(sum, &e, r, j, e.accumulate ? c[r * ldc + j] : 0);
    }
  }
}

void f32_spmm_4x1__scalar(ptrdiff_t groups_begin, ptrdiff_t groups_end, ptrdiff_t rows, const uint32_t *group_start,
                          const sp_sparse_quad *entries, const float *b, ptrdiff_t n, float *c, ptrdiff_t ldc,
                          const sp_epilogue *epilogue) {
  sp_epilogue e = sp_resolved(epilogue);
  for (ptrdiff_t r = 4 * groups_begin; r < 4 * groups_end && r < rows; r++) {
    for (ptrdiff_t j = 0; j < n; j++) {
      float sum = 0;
      for (uint32_t p = group_start[r / 4]; p < group_start[r / 4 + 1]; p++) {
        sum += entries[p].v[r % 4] * input_row(b, entries[p].offset)[j];
      }
      c[r * ldc + j] = sp_finish(sum, &e, r, j, e.accumulate ? c[r * ldc + j] : 0);
    }
  }
}

void f32_spmm_1x4__scalar(ptrdiff_t rows_begin, ptrdiff_t rows_end, const uint32_t *row_start,
                          const sp_sparse_quad *entries, const float *b, ptrdiff_t b_stride, ptrdiff_t n, float *c,
                          ptrdiff_t ldc, const sp_epilogue *epilogue) {
  sp_epilogue e = sp_resolved(epilogue);
  for (ptrdiff_t r = rows_begin; r < rows_end; r++) {
    for (ptrdiff_t j = 0; j < n; j++) {
      float sum = 0;
      for (uint32_t p = row_start[r]; p < row_start[r + 1]; p++) {
        for (ptrdiff_t i = 0; i < 4; i++) {
          sum += entries[p].v[i] * input_row(b, entries[p].offset)[i * b_stride + j];
        }
      }
      c[r * ldc + j] = sp_finish(sum, &e, r, j, e.accumulate ? c[r * ldc + j] : 0);
    }
  }
}

// Four sums, because one would wait for every addition to finish.
void f32_spmv__scalar(ptrdiff_t rows_begin, ptrdiff_t rows_end, const uint32_t *row_start, const sp_sparse_pair *pairs,
                      const float *x, float *y, const sp_epilogue *epilogue) {
  sp_epilogue e = sp_resolved(epilogue);
  for (ptrdiff_t r = rows_begin; r < rows_end; r++) {
    const sp_sparse_pair *p = pairs + row_start[r], *end = pairs + row_start[r + 1];
    float sum[4] = {0};
    for (; end - p >= 4; p += 4) {
      for (int t = 0; t < 4; t++) {
        sum[t] += p[t].value * *input_row(x, p[t].offset);
      }
    }
    for (; p < end; p++) {
      sum[0] += p->value * *input_row(x, p->offset);
    }
    y[r] = sp_finish((sum[0] + sum[1]) + (sum[2] + sum[3]), &e, r, 0, e.accumulate ? y[r] : 0);
  }
}
