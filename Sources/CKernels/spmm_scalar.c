#include "epilogue.h"
#include "versions.h"

static void finish(const sp_sparse_product *s, const sp_epilogue *e, ptrdiff_t r, ptrdiff_t j, float sum) {
  float *partial = s->sums + r * s->sums_stride + j;
  float before = e->accumulate ? *partial : 0;
  if (!e->last) {
    *partial = before + sum;
    return;
  }
  s->c[r * s->ldc + j] = sp_finish(sum, e, r, j, before);
}

static const float *input_of(const sp_sparse_product *s, uint32_t entry) {
  return s->tile + (ptrdiff_t)s->offsets[entry] * 16;
}

void f32_spmm__scalar(const sp_sparse_product *s, const sp_epilogue *epilogue) {
  sp_epilogue e = sp_resolved(epilogue);
  for (ptrdiff_t i = s->begin; i < s->end; i++) {
    ptrdiff_t r = s->order[i];
    for (ptrdiff_t j = 0; j < s->n; j++) {
      float sum = 0;
      for (uint32_t p = s->start[i]; p < s->start[i + 1]; p++) {
        sum += s->values[p] * input_of(s, p)[j];
      }
      finish(s, &e, r, j, sum);
    }
  }
}

void f32_spmm_4x1__scalar(const sp_sparse_product *s, const sp_epilogue *epilogue) {
  sp_epilogue e = sp_resolved(epilogue);
  for (ptrdiff_t i = s->begin; i < s->end; i++) {
    ptrdiff_t first = 4 * (ptrdiff_t)s->order[i];
    for (ptrdiff_t r = first; r < first + 4 && r < s->rows; r++) {
      for (ptrdiff_t j = 0; j < s->n; j++) {
        float sum = 0;
        for (uint32_t p = s->start[i]; p < s->start[i + 1]; p++) {
          sum += s->values[4 * (size_t)p + (r - first)] * input_of(s, p)[j];
        }
        finish(s, &e, r, j, sum);
      }
    }
  }
}

void f32_spmm_1x4__scalar(const sp_sparse_product *s, const sp_epilogue *epilogue) {
  sp_epilogue e = sp_resolved(epilogue);
  for (ptrdiff_t i = s->begin; i < s->end; i++) {
    ptrdiff_t r = s->order[i];
    for (ptrdiff_t j = 0; j < s->n; j++) {
      float sum = 0;
      for (uint32_t p = s->start[i]; p < s->start[i + 1]; p++) {
        for (ptrdiff_t t = 0; t < 4; t++) {
          sum += s->values[4 * (size_t)p + t] * input_of(s, p)[t * s->tile_stride + j];
        }
      }
      finish(s, &e, r, j, sum);
    }
  }
}

// Four sums, because one would wait for every addition to finish.
void f32_spmv__scalar(ptrdiff_t rows_begin, ptrdiff_t rows_end, const uint32_t *row_start, const uint16_t *columns,
                      const float *values, const float *x, float *y, const sp_epilogue *epilogue) {
  sp_epilogue e = sp_resolved(epilogue);
  for (ptrdiff_t r = rows_begin; r < rows_end; r++) {
    uint32_t i = row_start[r], end = row_start[r + 1];
    float sum[4] = {0};
    for (; end - i >= 4; i += 4) {
      for (uint32_t t = 0; t < 4; t++) {
        sum[t] += values[i + t] * x[columns[i + t]];
      }
    }
    for (; i < end; i++) {
      sum[0] += values[i] * x[columns[i]];
    }
    y[r] = sp_finish((sum[0] + sum[1]) + (sum[2] + sum[3]), &e, r, 0, e.accumulate ? y[r] : 0);
  }
}
