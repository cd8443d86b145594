// GFLOP/s of the kernels, and their share of this core's measured FMA peak. One thread.
//
//   kernels [isa]     one instruction set instead of all that this machine has
//
// Sparse kernels count the multiply-adds of stored weights only.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "CKernels.h"

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// The fastest of many repetitions within a tenth of a second: other work on the machine only ever adds time.
#define BEST(time, statement)                              \
  double time = 1e9;                                       \
  for (double until = seconds() + 0.1; seconds() < until;) { \
    double begin = seconds();                              \
    statement;                                             \
    double took = seconds() - begin;                       \
    time = took < time ? took : time;                      \
  }

static uint64_t state = 88172645463325252u;
static float uniform(void) {  // [-1, 1)
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (float)((double)(state >> 11) * 0x1p-52 - 1);
}

static float *floats(ptrdiff_t n) {
  float *p = aligned_alloc(64, (size_t)(n * 4 + 127) / 64 * 64);
  for (ptrdiff_t i = 0; i < n; i++) {
    p[i] = uniform();
  }
  return p;
}

static const sp_epilogue plain = {.lo = -INFINITY, .hi = INFINITY, .last = true};
static double peak;

static void report(const char *name, double flops, double time) {
  double rate = flops / time * 1e-9;
  printf("  %-46s %8.1f GFLOP/s %6.1f %%\n", name, rate, 100 * rate / peak);
}
static void report_bytes(const char *name, double bytes, double time) {
  printf("  %-46s %8.1f GB/s\n", name, bytes / time * 1e-9);
}

#define PEAK(name, lanes, attributes)                                                       \
  attributes static double name(void) {                                                    \
    typedef float v __attribute__((ext_vector_type(lanes)));                                \
    v s[12];                                                                                \
    for (int i = 0; i < 12; i++) s[i] = (v)(float)i;                                        \
    v a = (v)0.999f, b = (v)1e-3f;                                                          \
    BEST(time, for (int r = 0; r < 100000; r++) {                                           \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < 12; i++) {                     \
        s[i] = __builtin_elementwise_fma(s[i], a, b);                                       \
      }                                                                                     \
    });                                                                                     \
    volatile float sink = 0;                                                                \
    for (int i = 0; i < 12; i++) sink += s[i][0];                                           \
    return 1e5 * 12 * 2 * lanes / time * 1e-9;                                              \
  }
#if defined(__x86_64__)
PEAK(peak_avx2, 8, __attribute__((target("avx2,fma"))))
PEAK(peak_avx512, 16, __attribute__((target("avx512f,fma"))))
#else
PEAK(peak_neon, 4, )
#endif

static double measured_peak(sp_isa isa) {
#if defined(__x86_64__)
  return isa == SP_ISA_AVX512 ? peak_avx512() : peak_avx2();
#else
  (void)isa;
  return peak_neon();
#endif
}

static void gemm(const sp_kernel_table *t, ptrdiff_t k, ptrdiff_t m, ptrdiff_t n) {
  float *a = floats(k * t->gemm_mr), *b = floats(k * t->gemm_nr), *c = floats(t->gemm_mr * t->gemm_nr);
  char name[64];
  snprintf(name, sizeof name, "gemm tile %td x %td, k = %td", m, n, k);
  BEST(time, for (int i = 0; i < 50; i++) t->f32_gemm(k, a, b, c, t->gemm_nr, m, n, &plain));
  report(name, 50.0 * 2 * (double)(k * m * n), time);
  free(a), free(b), free(c);
}

// A batch of one through packed panels: 1 x 4096 times 4096 x 1024.
static void gemm_one_row(const sp_kernel_table *t) {
  ptrdiff_t k = 4096, n = 1024, nr = t->gemm_nr;
  float *a = floats(k * t->gemm_mr), *b = floats(k * n), *c = floats(n);
  BEST(time, for (ptrdiff_t j = 0; j < n; j += nr) t->f32_gemm(k, a, b + j * k, c + j, n, 1, nr, &plain));
  report_bytes("gemm 1 x 4096 x 1024, panels of 16 MB", 4.0 * (double)(k * n), time);
  free(a), free(b), free(c);
}

// A sparse matrix in one of the three layouts, its places sorted by their numbers of entries.
typedef struct {
  ptrdiff_t places;
  uint32_t *order, *start;
  uint16_t *offsets;
  float *values;
} streams;

static uint32_t *counts;
static int by_count(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return counts[x] != counts[y] ? (counts[x] < counts[y] ? -1 : 1) : (x > y) - (x < y);
}

// Entries at every `step`th of `inputs` input rows, which are `lines` cache lines apart.
static streams make_streams(ptrdiff_t places, ptrdiff_t inputs, ptrdiff_t step, int values, ptrdiff_t lines,
                            double sparsity) {
  size_t most = (size_t)(places * (inputs / step));
  streams s = {places, malloc((size_t)places * 4), calloc((size_t)places + 1, 4), malloc(most * 2),
               floats((ptrdiff_t)most * values)};
  bool *kept = malloc(most);
  counts = calloc((size_t)places, 4);
  for (ptrdiff_t place = 0; place < places; place++) {
    s.order[place] = (uint32_t)place;
    for (ptrdiff_t i = 0; i < inputs / step; i++) {
      bool keep = (uniform() + 1) / 2 >= sparsity;
      kept[place * (inputs / step) + i] = keep;
      counts[place] += keep;
    }
  }
  qsort(s.order, (size_t)places, 4, by_count);
  uint32_t count = 0;
  for (ptrdiff_t place = 0; place < places; place++) {
    for (ptrdiff_t i = 0; i < inputs / step; i++) {
      if (kept[s.order[place] * (inputs / step) + i]) {
        s.offsets[count++] = (uint16_t)(i * step * lines);
      }
    }
    s.start[place + 1] = count;
  }
  free(kept), free(counts);
  return s;
}

typedef void sparse_kernel(const sp_sparse_product *product, const sp_epilogue *epilogue);

// One tile, as wide as the registers hold, times a matrix all of whose inputs fit L1.
static void sparse_layout(const char *name, sparse_kernel *kernel, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t n,
                          double sparsity, ptrdiff_t group, ptrdiff_t step) {
  ptrdiff_t lines = (n + 15) / 16, stride = lines * 16;
  int values = group * step > 1 ? 4 : 1;
  streams s = make_streams(rows / group, inputs, step, values, lines, sparsity);
  float *tile = floats(inputs * stride), *c = floats(rows * n);
  sp_sparse_product product = {.end = rows / group,
                               .rows = rows,
                               .order = s.order,
                               .start = s.start,
                               .offsets = s.offsets,
                               .values = s.values,
                               .tile = tile,
                               .tile_stride = stride,
                               .n = n,
                               .c = c,
                               .ldc = n};
  char label[64];
  snprintf(label, sizeof label, "%s %td x %td x %td, %.0f %% zeros", name, rows, inputs, n, 100 * sparsity);
  BEST(time, kernel(&product, &plain));
  report(label, 2.0 * values * s.start[s.places] * (double)n, time);
  free(tile), free(c), free(s.order), free(s.start), free(s.offsets), free(s.values);
}

static void sparse(const sp_kernel_table *t, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t n, double sparsity) {
  sparse_layout("spmm", t->f32_spmm, rows, inputs, n, sparsity, 1, 1);
  sparse_layout("spmm_4x1", t->f32_spmm_4x1, rows, inputs, n, sparsity, 4, 1);
  sparse_layout("spmm_1x4", t->f32_spmm_1x4, rows, inputs, n, sparsity, 1, 4);
}

// A tile of 3x3 windows over `channels` planes of `plane` floats.
static void gather(const sp_kernel_table *t, ptrdiff_t channels, ptrdiff_t plane, ptrdiff_t n) {
  ptrdiff_t stride = (n + 15) / 16 * 16, shifts[9];
  float *source = floats(channels * plane), *tile = floats(9 * channels * stride);
  uint16_t masks[9 * 8];
  for (int i = 0; i < 9; i++) {
    shifts[i] = i;
  }
  memset(masks, 0xff, sizeof masks);
  sp_windows windows = {9, plane, shifts, masks, 8};
  char name[64];
  snprintf(name, sizeof name, "gather_windows 9 x %td x %td of %td", channels, n, plane);
  BEST(time, t->f32_gather_windows(&windows, source, 0, 9 * channels, 0, n, tile, stride));
  report_bytes(name, 9 * 4.0 * (double)(channels * n), time);
  free(source), free(tile);
}

// x of one float stride, as a matrix-vector product has.
static void vector(const sp_kernel_table *t, ptrdiff_t rows, ptrdiff_t inputs, double sparsity) {
  float *x = floats(inputs), *y = floats(rows), *values = floats(rows * inputs);
  uint16_t *columns = calloc((size_t)(rows * inputs) + SP_SPMV_SLACK, 2);
  uint32_t *start = calloc((size_t)rows + 1, 4), count = 0;
  for (ptrdiff_t r = 0; r < rows; r++) {
    for (ptrdiff_t i = 0; i < inputs; i++) {
      if ((uniform() + 1) / 2 >= sparsity) {
        columns[count++] = (uint16_t)i;
      }
    }
    start[r + 1] = count;
  }
  char name[64];
  snprintf(name, sizeof name, "spmv %td x %td, %.0f %% zeros", rows, inputs, 100 * sparsity);
  BEST(time, t->f32_spmv(0, rows, start, columns, values, x, y, &plain));
  report(name, 2.0 * count, time);
  free(x), free(y), free(values), free(columns), free(start);
}

static sp_conv_geometry geometry(ptrdiff_t size, ptrdiff_t kernel, ptrdiff_t stride, ptrdiff_t channels) {
  ptrdiff_t out = (size - 1) / stride + 1;
  return (sp_conv_geometry){channels, size,   size,       kernel, kernel, stride,      stride, 1,
                            1,        kernel / 2, kernel / 2, out,    out,    size * size, size};
}

static void depthwise(const sp_kernel_table *t, ptrdiff_t size, ptrdiff_t kernel, ptrdiff_t stride) {
  sp_conv_geometry g = geometry(size, kernel, stride, 1);
  float *x = floats(32 * size * size), *w = floats(32 * kernel * kernel), *y = floats(32 * size * size);
  char name[64];
  BEST(time, t->f32_depthwise(&g, 32, x, w, NULL, 0, 6, y, g.out_height * g.out_width, g.out_width));
  snprintf(name, sizeof name, "depthwise %tdx%td, %td x %td, stride %td", kernel, kernel, size, size, stride);
  report(name, 32.0 * 2 * (double)(kernel * kernel * g.out_width * g.out_height), time);
  BEST(pool, t->f32_max_pool(&g, 32, x, y, g.out_height * g.out_width, g.out_width));
  snprintf(name, sizeof name, "max_pool %tdx%td, %td x %td, stride %td", kernel, kernel, size, size, stride);
  report_bytes(name, 32.0 * 4 * (double)(size * size), pool);
  free(x), free(w), free(y);
}

static void split(const sp_kernel_table *t, ptrdiff_t size, ptrdiff_t kernel, ptrdiff_t stride) {
  sp_conv_geometry g = geometry(size, kernel, stride, 16);
  ptrdiff_t phases = kernel < stride ? kernel : stride, line = (size + kernel + stride - 1) / stride, n = line * line;
  sp_split layout = {phases, phases, line, line, n};
  float *x = floats(16 * size * size), *copy = floats(16 * phases * phases * n);
  char name[64];
  snprintf(name, sizeof name, "split %tdx%td, %td x %td, stride %td (written)", kernel, kernel, size, size, stride);
  BEST(time, t->f32_split(&g, x, 0, &layout, copy));
  report_bytes(name, 16 * 4.0 * (double)(phases * phases * n), time);
  free(x), free(copy);
}

static void elementwise(const sp_kernel_table *t) {
  static const struct {
    sp_unary op;
    const char *name;
  } ops[] = {{SP_UNARY_RELU, "relu"},         {SP_UNARY_SIGMOID, "sigmoid"}, {SP_UNARY_TANH, "tanh"},
             {SP_UNARY_EXP, "exp"},           {SP_UNARY_LOG, "log"},         {SP_UNARY_GELU, "gelu"},
             {SP_UNARY_SOFTPLUS, "softplus"}, {SP_UNARY_SIN, "sin"},         {SP_UNARY_HARD_SWISH, "hard_swish"}};
  ptrdiff_t n = 4096;
  float *x = floats(n), *y = floats(n);
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
    BEST(time, for (int r = 0; r < 10; r++) t->f32_unary(ops[i].op, n, x, y, 0, 6));
    report_bytes(ops[i].name, 10 * 4.0 * (double)n, time);
  }
  BEST(softmax, t->f32_softmax(n, x, y));
  report_bytes("softmax", 4.0 * (double)n, softmax);
  BEST(norm, t->f32_layer_norm(n, x, NULL, NULL, NULL, 1e-5f, y));
  report_bytes("layer_norm", 4.0 * (double)n, norm);
  free(x), free(y);
}

static void weights(const sp_kernel_table *t) {
  ptrdiff_t n = 16 << 20;
  float *x = floats(n), *y = floats(n);
  uint64_t *bins = calloc(65536, 8);
  uint8_t *mask = malloc((size_t)n / 8);
  double bytes = 4.0 * (double)n;
  volatile int64_t sink;
  BEST(count, sink = t->count_nonzero_f32(n, x));
  report_bytes("count_nonzero", bytes, count);
  BEST(histogram, t->f32_abs_histogram(n, x, bins));
  report_bytes("abs_histogram", bytes, histogram);
  BEST(below, t->f32_mask_below(n, x, 0x3f666666, mask));
  report_bytes("mask_below", bytes, below);
  BEST(compress, sink = t->f32_compress(n, x, mask, y));
  report_bytes("compress, 90 % zeros", bytes, compress);
  BEST(expand, sink = t->f32_expand(n, mask, y, x));
  report_bytes("expand, 90 % zeros", bytes, expand);
  BEST(histogram0, t->f32_abs_histogram(n, x, bins));
  report_bytes("abs_histogram, 90 % zeros", bytes, histogram0);
  BEST(transpose, t->f32_transpose(4096, 4096, x, 4096, y, 4096));
  report_bytes("transpose 4096 x 4096", bytes, transpose);
  BEST(pack, for (ptrdiff_t j = 0; j < 4096; j += t->gemm_nr) t->f32_pack_b(256, t->gemm_nr, x + j * 256, 1, 256, y));
  report_bytes("pack_b, transposing", 4096 * 256 * 4.0, pack);
  BEST(packed, for (ptrdiff_t j = 0; j < 4096; j += t->gemm_nr) t->f32_pack_b(256, t->gemm_nr, x + j, 4096, 1, y));
  report_bytes("pack_b, copying", 4096 * 256 * 4.0, packed);
  (void)sink;
  free(x), free(y), free(bins), free(mask);
}

int main(int count, char **arguments) {
  for (int i = SP_ISA_SCALAR; i <= SP_ISA_WASM; i++) {
    sp_isa isa = (sp_isa)i;
    if (!sp_isa_available(isa) || (count > 1 ? strcmp(arguments[1], sp_isa_name(isa)) != 0 : isa == SP_ISA_SCALAR)) {
      continue;
    }
    const sp_kernel_table *t = sp_kernels(isa);
    peak = measured_peak(isa);
    printf("%s: peak %.1f GFLOP/s\n", sp_isa_name(isa), peak);
    gemm(t, 256, t->gemm_mr, t->gemm_nr);
    gemm(t, 27, t->gemm_mr, t->gemm_nr);
    gemm(t, 256, t->gemm_mr, t->gemm_nr / 2);
    gemm(t, 256, t->gemm_mr / 2, t->gemm_nr);
    gemm(t, 256, 2, t->gemm_nr);
    gemm(t, 256, 1, t->gemm_nr);
    gemm_one_row(t);
    ptrdiff_t widest = 6 * t->vector_floats, inputs = 40960 / 4 / widest / 4 * 4;
    sparse(t, 256, inputs, widest, 0.9);
    sparse(t, 256, inputs, widest, 0.7);
    sparse(t, 512, 160, 49, 0.9);
    sparse(t, 512, 320, 32, 0.9);
    sparse(t, 512, 512, 16, 0.9);
    gather(t, 18, 1024, 64);
    gather(t, 12, 3136, 96);
    vector(t, 1000, 2048, 0.9);
    vector(t, 4096, 4096, 0.9);
    depthwise(t, 112, 3, 1);
    depthwise(t, 112, 3, 2);
    depthwise(t, 14, 3, 1);
    depthwise(t, 7, 3, 1);
    depthwise(t, 56, 5, 1);
    depthwise(t, 56, 5, 2);
    depthwise(t, 56, 7, 1);
    split(t, 56, 3, 1);
    split(t, 14, 3, 1);
    split(t, 224, 7, 2);
    split(t, 28, 1, 1);
    elementwise(t);
    weights(t);
  }
}
