// Every kernel of every available instruction set against the scalar version, with inputs and outputs that end at an
// inaccessible page. Prints one line per kernel and exits 1 at the first difference.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef __wasi__
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "CKernels.h"

static const sp_kernel_table *tested, *scalar;
static int comparisons;

static uint64_t state = 0x9e3779b97f4a7c15u;
static float uniform(void) {  // [-1, 1)
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (float)((double)(state >> 11) * 0x1p-52 - 1);
}

// Freed all at once by `release`.
static struct {
  void *base;
  size_t length;
} regions[64];
static int region_count;

#ifdef __wasi__
// No page can be made inaccessible: the outputs alone are compared.
static float *guarded(ptrdiff_t n) {
  float *base = malloc((size_t)n * 4 + 1);
  if (!base || region_count == 64) exit(2);
  regions[region_count++].base = base;
  return base;
}

static void release(void) {
  while (region_count > 0) free(regions[--region_count].base);
}
#else
static float *guarded(ptrdiff_t n) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = ((size_t)n * 4 + page - 1) / page * page;
  char *base = mmap(NULL, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED || mprotect(base + bytes, page, PROT_NONE) != 0 || region_count == 64) {
    perror("guarded");
    exit(2);
  }
  regions[region_count].base = base;
  regions[region_count++].length = bytes + page;
  return (float *)(base + bytes) - n;
}

static void release(void) {
  while (region_count > 0) {
    region_count--;
    munmap(regions[region_count].base, regions[region_count].length);
  }
}
#endif

static float *random_floats(ptrdiff_t n) {
  float *p = guarded(n);
  for (ptrdiff_t i = 0; i < n; i++) {
    p[i] = uniform();
  }
  return p;
}

static float *filled(ptrdiff_t n) {
  float *p = guarded(n);
  for (ptrdiff_t i = 0; i < n; i++) {
    p[i] = 0.375f;
  }
  return p;
}

static void compare(const char *kernel, ptrdiff_t n, const float *got, const float *want, double error) {
  comparisons++;
  for (ptrdiff_t i = 0; i < n; i++) {
    double difference = fabs((double)got[i] - want[i]);
    bool same = (isnan(got[i]) && isnan(want[i])) || got[i] == want[i] || difference <= error * (1 + fabs(want[i]));
    if (!same) {
      printf("%s %s: element %td is %.9g, the scalar version has %.9g\n", sp_isa_name(tested->isa), kernel, i, got[i],
             want[i]);
      exit(1);
    }
  }
}

// Bit 0 row bias, 1 column bias, 2 residual, 3 clamp, 4 accumulate, 5 not last.
static sp_epilogue epilogue(int choice, ptrdiff_t rows, ptrdiff_t columns) {
  return (sp_epilogue){.row_bias = choice & 1 ? random_floats(rows) : NULL,
                       .column_bias = choice & 2 ? random_floats(columns) : NULL,
                       .residual = choice & 4 ? random_floats(rows * columns) : NULL,
                       .residual_stride = columns,
                       .lo = choice & 8 ? -0.25f : -INFINITY,
                       .hi = choice & 8 ? 0.5f : INFINITY,
                       .accumulate = choice & 16,
                       .last = !(choice & 32)};
}

// Panels differ in size between tables, so both are packed from the same matrices.
static void check_gemm(void) {
  ptrdiff_t mr = tested->gemm_mr, nr = tested->gemm_nr;
  for (int choice = 0; choice < 64; choice += 7) {
    for (ptrdiff_t m = 1; m <= mr; m++) {
      for (ptrdiff_t n = 1; n <= nr; n++) {
        ptrdiff_t k = (m * 5 + n) % 23;
        float *a = random_floats(m * k), *b = random_floats(k * n), *c = filled(m * n), *d = filled(m * n);
        float *ap = filled(k * mr), *bp = filled(k * nr), *as = filled(k * scalar->gemm_mr),
              *bs = filled(k * scalar->gemm_nr);
        sp_epilogue e = epilogue(choice, m, n);
        tested->f32_pack_a(m, k, a, k, 1, ap);
        tested->f32_pack_b(k, n, b, n, 1, bp);
        tested->f32_gemm(k, ap, bp, c, n, m, n, &e);
        for (ptrdiff_t i = 0; i < m; i += scalar->gemm_mr) {
          ptrdiff_t rows = m - i < scalar->gemm_mr ? m - i : scalar->gemm_mr;
          scalar->f32_pack_a(rows, k, a + i * k, k, 1, as);
          for (ptrdiff_t j = 0; j < n; j += scalar->gemm_nr) {
            ptrdiff_t columns = n - j < scalar->gemm_nr ? n - j : scalar->gemm_nr;
            sp_epilogue part = e;
            part.row_bias = e.row_bias ? e.row_bias + i : NULL;
            part.column_bias = e.column_bias ? e.column_bias + j : NULL;
            part.residual = e.residual ? e.residual + i * n + j : NULL;
            scalar->f32_pack_b(k, columns, b + j, n, 1, bs);
            scalar->f32_gemm(k, as, bs, d + i * n + j, n, rows, columns, &part);
          }
        }
        compare("f32_gemm", m * n, c, d, 1e-5);
        // The other direction must give the same panels.
        float *at = filled(m * k), *bt = filled(k * n), *ap2 = filled(k * mr), *bp2 = filled(k * nr);
        tested->f32_transpose(m, k, a, k, at, m);
        tested->f32_transpose(k, n, b, n, bt, k);
        tested->f32_pack_a(m, k, at, 1, m, ap2);
        tested->f32_pack_b(k, n, bt, 1, k, bp2);
        compare("f32_pack_a", k * mr, ap2, ap, 0);
        compare("f32_pack_b", k * nr, bp2, bp, 0);
        release();
      }
    }
  }
}

// Weights are packed by each table for itself.
static void check_convolutions(void) {
  enum { K = 37, PIXELS = 2 * 45 };
  ptrdiff_t most = 2 * tested->gemm_nr + 3;
  int32_t offsets[K];
  for (int k = 0; k < K; k++) {
    offsets[k] = k * 5 % 64;
  }
  for (ptrdiff_t columns = 1; columns < 45; columns++) {
    ptrdiff_t outputs = 1 + columns * 7 % most;
    float *x = random_floats(2 * columns + 63), *w = random_floats(outputs * K);
    for (int rows = 0; rows < 2; rows++) {
      sp_epilogue e = epilogue((int)(columns % 16) & ~2, outputs, PIXELS);
      const sp_kernel_table *tables[2] = {tested, scalar};
      float *y[2];
      for (int t = 0; t < 2; t++) {
        ptrdiff_t height = rows ? tables[t]->gemm_mr : tables[t]->gemm_nr;
        float *panels = filled((outputs + height - 1) / height * height * K);
        for (ptrdiff_t o = 0; o < outputs; o += height) {
          ptrdiff_t lanes = outputs - o < height ? outputs - o : height;
          if (rows) {
            tables[t]->f32_pack_a(lanes, K, w + o * K, K, 1, panels + o * K);
          } else {
            tables[t]->f32_pack_b(K, lanes, w + o * K, 1, K, panels + o * K);
          }
        }
        y[t] = filled(outputs * PIXELS);
        sp_direct_conv c = {x, offsets, panels, y[t], K, outputs, 2, columns, columns, columns, 1, PIXELS};
        if (rows) {
          tables[t]->f32_conv_rows(&c, &e);
        } else {
          float *sums = filled((2 * 45 + tables[t]->vector_floats) * tables[t]->gemm_mr * tables[t]->gemm_nr);
          tables[t]->f32_conv_columns(&c, columns % 2 ? 8 : K, sums, &e);
        }
      }
      compare(rows ? "f32_conv_rows" : "f32_conv_columns", outputs * PIXELS, y[0], y[1], 1e-5);
    }
    release();
  }
}

// Rows in any order; input rows whole cache lines apart, readable up to whole vectors of the tested version.
static void check_spmm(void) {
  enum { ROWS = 7, INPUTS = 24, ENTRIES = ROWS * INPUTS };
  static const struct {
    const char *name;
    int groups, step, values;
  } layouts[] = {{"f32_spmm", ROWS, 1, 1}, {"f32_spmm_4x1", 2, 1, 4}, {"f32_spmm_1x4", ROWS, 4, 4}};
  static const uint32_t orders[2][ROWS] = {{4, 0, 6, 1, 3, 5, 2}, {1, 0}};
  for (ptrdiff_t n = 1; n < 110; n++) {
    ptrdiff_t lanes = tested->vector_floats, whole = (n + lanes - 1) / lanes * lanes, lines = (n + 15) / 16 + n % 2;
    for (int choice = 0; choice < 64; choice += n % 3 ? 9 : 5) {
      for (size_t kind = 0; kind < 3; kind++) {
        uint32_t start[ROWS + 1] = {0}, count = 0;
        uint16_t offsets[ENTRIES];
        float values[4 * ENTRIES];
        for (int g = 0; g < layouts[kind].groups; g++) {
          for (int i = 0; i < INPUTS; i += layouts[kind].step) {
            if (uniform() > 0.2f) {
              for (int v = 0; v < layouts[kind].values; v++) {
                values[(int)count * layouts[kind].values + v] = uniform();
              }
              offsets[count++] = (uint16_t)(i * lines);
            }
          }
          start[g + 1] = count;
        }
        sp_epilogue e = epilogue(choice & ~2, ROWS, n);
        float *c = filled(ROWS * n), *d = filled(ROWS * n), *sums = filled(ROWS * whole),
              *other = filled(ROWS * whole);
        sp_sparse_product product = {.end = layouts[kind].groups,
                                     .rows = ROWS,
                                     .order = orders[kind == 1],
                                     .start = start,
                                     .offsets = offsets,
                                     .values = values,
                                     .tile = random_floats((INPUTS - 1) * lines * 16 + whole),
                                     .tile_stride = lines * 16,
                                     .n = n,
                                     .sums = sums,
                                     .sums_stride = whole,
                                     .c = c,
                                     .ldc = n};
        for (int table = 0; table < 2; table++) {
          const sp_kernel_table *t = table == 0 ? tested : scalar;
          (kind == 0 ? t->f32_spmm : kind == 1 ? t->f32_spmm_4x1 : t->f32_spmm_1x4)(&product, &e);
          product.c = d, product.sums = other;
        }
        compare(layouts[kind].name, ROWS * n, c, d, 1e-4);
        for (int r = 0; r < ROWS; r++) {
          compare(layouts[kind].name, n, sums + r * whole, other + r * whole, 1e-4);
        }
        release();
      }
    }
  }
}

static void check_gather_windows(void) {
  enum { POSITIONS = 3, CHANNELS = 2, LINES = 7 };
  static const ptrdiff_t shifts[POSITIONS] = {0, 5, 2};
  for (ptrdiff_t n = 1; n < 96; n++) {
    ptrdiff_t lanes = tested->vector_floats, whole = (n + lanes - 1) / lanes * lanes, rows = POSITIONS * CHANNELS - 1,
              plane = 16 + n + 5;
    uint16_t masks[POSITIONS * LINES];
    for (int i = 0; i < POSITIONS * LINES; i++) {
      ptrdiff_t left = 16 + n - i % LINES * 16;
      uint32_t inside = left >= 16 ? 0xffff : left > 0 ? (1u << left) - 1 : 0;
      masks[i] = (uint16_t)(inside & (i % 2 ? 0xffff : (uint32_t)(0xffff * (uniform() + 1))));
    }
    sp_windows windows = {POSITIONS, plane, shifts, masks, LINES};
    float *x = random_floats(CHANNELS * plane), *c = filled(rows * whole), *d = filled(rows * whole);
    tested->f32_gather_windows(&windows, x, 1, rows + 1, 16, n, c, whole);
    scalar->f32_gather_windows(&windows, x, 1, rows + 1, 16, n, d, whole);
    for (int r = 0; r < rows; r++) {
      compare("f32_gather_windows", n, c + r * whole, d + r * whole, 0);
    }
    release();
  }
}

static void check_spmv(void) {
  enum { ROWS = 7, INPUTS = 70 };
  for (int choice = 0; choice < 64; choice++) {
    uint16_t columns[ROWS * INPUTS + SP_SPMV_SLACK] = {0};
    float *values = random_floats(ROWS * INPUTS);
    uint32_t start[ROWS + 1] = {0}, count = 0;
    for (int r = 0; r < ROWS; r++) {
      for (int i = 0; i < INPUTS; i++) {
        if (uniform() > 0.3f * (float)(r - 3)) {
          columns[count++] = (uint16_t)i;
        }
      }
      start[r + 1] = count;
    }
    float *x = random_floats(INPUTS), *c = filled(ROWS), *d = filled(ROWS);
    sp_epilogue e = epilogue(choice, ROWS, 1);
    tested->f32_spmv(0, ROWS, start, columns, values, x, c, &e);
    scalar->f32_spmv(0, ROWS, start, columns, values, x, d, &e);
    compare("f32_spmv", ROWS, c, d, 1e-4);
    release();
  }
}

static void check_windows(void) {
  static const struct {
    int kernel, stride, dilation, pad;
  } kinds[] = {{1, 1, 1, 0}, {3, 1, 1, 1}, {3, 1, 1, 0}, {3, 2, 1, 1}, {3, 2, 1, 0}, {3, 3, 1, 1},
               {5, 1, 1, 2}, {5, 2, 1, 2}, {7, 1, 1, 3}, {2, 2, 1, 0}, {3, 1, 2, 2}, {5, 1, 1, 4}};
  for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
    for (ptrdiff_t width = 5; width < 45; width += width < 12 ? 1 : 5) {
      ptrdiff_t kernel = kinds[kind].kernel, stride = kinds[kind].stride, dilation = kinds[kind].dilation,
                pad = kinds[kind].pad, height = 9, row = width + 1, plane = height * row,
                out_h = (height + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1,
                out_w = (width + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1, n = out_h * out_w;
      if (out_w <= 0) {
        continue;
      }
      sp_conv_geometry g = {2,        height,   width, kernel, kernel, stride, stride, dilation,
                            dilation, pad,      pad,   out_h,  out_w,  plane,  row};
      float *x = random_floats(2 * plane - 1), *w = random_floats(2 * kernel * kernel);
      for (int room = 0; room < 2; room++) {
        sp_split layout = {stride, stride, height + 2, width + 5 * room, (height + 2) * (width + 5 * room) + 7 * room};
        ptrdiff_t most = 2 * stride * stride * layout.plane;
        float *c = filled(most), *d = filled(most);
        tested->f32_split(&g, x, out_h / 2, &layout, c);
        scalar->f32_split(&g, x, out_h / 2, &layout, d);
        compare("f32_split", most, c, d, 0);
      }
      static const float bias[2] = {0.5f, -0.25f};
      float *c = filled(2 * n), *d = filled(2 * n);
      tested->f32_depthwise(&g, 2, x, w, bias, -1, 1, c, n, out_w);
      scalar->f32_depthwise(&g, 2, x, w, bias, -1, 1, d, n, out_w);
      compare("f32_depthwise", 2 * n, c, d, 1e-5);
      if (kernel == 3 && stride == 1 && dilation == 1 && pad == 1) {
        float *in_place = filled(2 * plane), *apart = filled(2 * plane);
        memcpy(in_place, x, (size_t)(2 * plane - 1) * sizeof *x);
        memcpy(apart, x, (size_t)(2 * plane - 1) * sizeof *x);
        tested->f32_depthwise(&g, 2, in_place, w, bias, -1, 1, in_place, plane, row);
        tested->f32_depthwise(&g, 2, x, w, bias, -1, 1, apart, plane, row);
        compare("f32_depthwise in place", 2 * plane, in_place, apart, 0);
      }
      x[plane + 3] = kind % 2 ? NAN : x[plane + 3];
      tested->f32_max_pool(&g, 2, x, c, n, out_w);
      scalar->f32_max_pool(&g, 2, x, d, n, out_w);
      compare("f32_max_pool", 2 * n, c, d, 0);
      for (int include = 0; include < 2; include++) {
        tested->f32_average_pool(&g, x + plane, include, pad, pad, c, out_w);
        scalar->f32_average_pool(&g, x + plane, include, pad, pad, d, out_w);
        compare("f32_average_pool", n, c, d, 1e-5);
      }
      release();
    }
  }
}

static void check_elements(void) {
  static const float specials[] = {0, -0.0f, NAN, INFINITY, -INFINITY, 1e-40f, 0.5f, 1.5f, 2.5f, -88, 89, 9000};
  for (ptrdiff_t n = 1; n < 60; n += n < 20 ? 1 : 13) {
    float *x = random_floats(n), *b = random_floats(n), *c = filled(n), *d = filled(n);
    for (ptrdiff_t i = 0; i < n; i++) {
      x[i] = i % 3 ? x[i] * 20 : specials[(size_t)(i + n) % (sizeof specials / sizeof *specials)];
    }
    for (int op = SP_UNARY_RELU; op <= SP_UNARY_COS; op++) {
      char name[32];
      snprintf(name, sizeof name, "f32_unary %d", op);
      tested->f32_unary((sp_unary)op, n, x, c, -0.5f, 3);
      scalar->f32_unary((sp_unary)op, n, x, d, -0.5f, 3);
      compare(name, n, c, d, 2e-6);
    }
    for (int op = SP_BINARY_ADD; op <= SP_BINARY_POW; op++) {
      for (int steps = 0; steps < 4; steps++) {
        tested->f32_binary((sp_binary)op, n, x, steps & 1, b, steps >> 1, c);
        scalar->f32_binary((sp_binary)op, n, x, steps & 1, b, steps >> 1, d);
        compare("f32_binary", n, c, d, 1e-6);
      }
    }
    for (float exponent = 0.5f; exponent <= 2; exponent *= 4) {
      tested->f32_binary(SP_BINARY_POW, n, x, 1, &exponent, 0, c);
      scalar->f32_binary(SP_BINARY_POW, n, x, 1, &exponent, 0, d);
      compare("f32_binary pow", n, c, d, 1e-6);
    }
    tested->f32_scale_shift(n, b, 3, -1, c);
    scalar->f32_scale_shift(n, b, 3, -1, d);
    compare("f32_scale_shift", n, c, d, 1e-6);
    tested->f32_softmax(n, b, c);
    scalar->f32_softmax(n, b, d);
    compare("f32_softmax", n, c, d, 1e-6);
    for (int adds = 0; adds < 2; adds++) {
      const float *addend = adds ? b : NULL;
      tested->f32_layer_norm(n, b, addend, b, NULL, 1e-3f, c);
      scalar->f32_layer_norm(n, b, addend, b, NULL, 1e-3f, d);
      compare("f32_layer_norm", n, c, d, 1e-5);
    }
    for (int special = 0; special < 2; special++) {
      float sums[2] = {tested->f32_sum(n, b), tested->f32_max(n, special ? x : b)};
      float wants[2] = {scalar->f32_sum(n, b), scalar->f32_max(n, special ? x : b)};
      compare("f32_sum, f32_max", 2, sums, wants, 1e-5);
    }
    release();
  }
}

static void check_weights(void) {
  for (ptrdiff_t n = 0; n < 200; n++) {
    float *x = random_floats(n), *c = filled(n), *d = filled(n);
    static uint64_t bins[2][65536];
    uint8_t mask[2][32] = {{0}};
    for (ptrdiff_t i = 0; i < n; i += 3) {
      x[i] = i % 2 ? -0.0f : 0;
    }
    bool same = tested->count_nonzero_f32(n, x) == scalar->count_nonzero_f32(n, x);
    tested->f32_abs_histogram(n, x, bins[0]);
    scalar->f32_abs_histogram(n, x, bins[1]);
    tested->f32_mask_below(n, x, 0x3f000000, mask[0]);
    scalar->f32_mask_below(n, x, 0x3f000000, mask[1]);
    ptrdiff_t kept = scalar->f32_compress(n, x, mask[1], d);
    same = same && memcmp(bins[0], bins[1], sizeof bins[0]) == 0 && memcmp(mask[0], mask[1], sizeof mask[0]) == 0 &&
           tested->f32_compress(n, x, mask[0], c) == kept;
    compare("f32_compress", kept, c, d, 0);
    same = same && tested->f32_expand(n, mask[0], d, c) == kept;
    scalar->f32_expand(n, mask[1], d, x);
    compare("f32_expand", n, c, x, 0);
    if (!same) {
      printf("%s: the kernels over weights differ at n = %td\n", sp_isa_name(tested->isa), n);
      exit(1);
    }
    release();
  }
}

int main(void) {
  scalar = sp_kernels(SP_ISA_SCALAR);
  for (int isa = SP_ISA_AVX2; isa <= SP_ISA_WASM; isa++) {
    if (!sp_isa_available((sp_isa)isa)) {
      continue;
    }
    tested = sp_kernels((sp_isa)isa);
    comparisons = 0;
    check_gemm();
    check_convolutions();
    check_spmm();
    check_gather_windows();
    check_spmv();
    check_windows();
    check_elements();
    check_weights();
    printf("%s: %d comparisons with scalar agree\n", sp_isa_name((sp_isa)isa), comparisons);
  }
}
