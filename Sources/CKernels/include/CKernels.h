#ifndef SPARROW_CKERNELS_H
#define SPARROW_CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// Instruction sets, slowest first within an architecture.
typedef enum {
  SP_ISA_SCALAR = 0,
  SP_ISA_AVX2 = 1,    // AVX2 and FMA
  SP_ISA_AVX512 = 2,  // AVX-512 F, BW, DQ, VL
  SP_ISA_NEON = 3,
  SP_ISA_WASM = 4,  // WebAssembly's vectors of 128 bits
} sp_isa;

// What happens to a sum before it is stored.
//
// A sum starts at 0, or at the present value of C when `accumulate`. When `last`, row_bias[i], column_bias[j] and
// residual[i * residual_stride + j] are added where given, and the result is clamped to [lo, hi]; NaN stays NaN.
// When not `last`, the sum is stored as it is. Rows and columns are counted as C's are. `residual` may be C itself.
typedef struct {
  const float *_Nullable row_bias;
  const float *_Nullable column_bias;
  const float *_Nullable residual;
  ptrdiff_t residual_stride;
  float lo, hi;
  bool accumulate;
  bool last;
} sp_epilogue;

// A sparse matrix, or one block of its columns, times a tile of the input.
//
//   order    [rows]       the rows (or groups of rows), those with about as many entries one after the other: the
//                         loop over a row's entries then ends where the processor expects it
//   start    [rows + 1]   the first entry of each place in that order
//   offsets  [entries]    where an entry's input row begins: multiples of 64 bytes from `tile`
//   values   [entries][1 or 4]
//   tile                  input rows, readable up to whole vectors
//
// The sums of a product whose epilogue is not `last` go to `sums`, and those of one that accumulates start there: row r
// at sums + r * sums_stride, in whole vectors. Those of the last go to C, row r at c + r * ldc.
// `column_bias` is not used; `residual` is found as C is.
typedef struct {
  ptrdiff_t begin, end;  // places in `order`
  ptrdiff_t rows;        // of C
  const uint32_t *order;
  const uint32_t *start;
  const uint16_t *offsets;
  const float *values;
  const float *tile;
  ptrdiff_t tile_stride;  // floats between input rows; for 1x4
  ptrdiff_t n;            // columns of the tile
  float *_Nullable sums;
  ptrdiff_t sums_stride;
  float *_Nullable c;
  ptrdiff_t ldc;
} sp_sparse_product;

// Which elements of its source each row of a convolution's implicit matrix (im2col) consists of. Row k = channel *
// positions + position is the channel's plane, shifted, without what lies outside the image:
//
//   row(k)[p] = masks[position][p / 16] has bit p % 16 ? source[channel * plane + shifts[position] + p] : 0
//
// for the output pixels p in order. What a mask leaves out is not read.
typedef struct {
  ptrdiff_t positions;
  ptrdiff_t plane;      // floats from one channel to the next
  const ptrdiff_t *shifts;  // [positions]
  const uint16_t *masks;    // [positions][mask_stride]
  ptrdiff_t mask_stride;
} sp_windows;

// A convolution's or pool's input planes and windows. `plane` and `row` are strides in floats.
typedef struct {
  ptrdiff_t channels, height, width;
  ptrdiff_t kernel_h, kernel_w;
  ptrdiff_t stride_h, stride_w;
  ptrdiff_t dilation_h, dilation_w;
  ptrdiff_t pad_top, pad_left;
  ptrdiff_t out_height, out_width;
  ptrdiff_t plane, row;
} sp_conv_geometry;

// Copies of planes taken apart by stride: phases_h x phases_w planes for each, `plane` floats apart, each of `lines`
// lines that are `line` floats apart.
typedef struct {
  ptrdiff_t phases_h, phases_w;
  ptrdiff_t lines, line, plane;
} sp_split;

// A convolution whose input lies so that step k of an output pixel's reduction is `offsets[k]` floats after the pixel's
// own address.
//
//   y[o * out_plane + r * out_row + i * out_column] = sum over k of weight(o, k) * x[r * row + i + offsets[k]]
//   for o < outputs, r < rows, i < columns
//
// out_column or out_plane is 1: channels are planes, or lie next to each other as in a matrix product whose A is read
// by columns. The epilogue's rows are channels and its columns pixels in the first case, the other way round in the
// second, as they lie in y.
typedef struct {
  const float *x;
  const int32_t *offsets;
  const float *weights;  // panels of `k` steps
  float *y;
  ptrdiff_t k, outputs, rows, columns;
  ptrdiff_t row, out_row, out_column, out_plane;
} sp_direct_conv;

// The most rows of planes on which a depthwise convolution writes over its input.
#define SP_DEPTHWISE_ROWS_IN_PLACE 256

// Columns that f32_spmv reads after a row's own.
#define SP_SPMV_SLACK 16

// Functions of one variable; p0 and p1 are the parameters named here.
typedef enum {
  SP_UNARY_RELU,
  SP_UNARY_CLIP,  // p0 = lo, p1 = hi
  SP_UNARY_SIGMOID,
  SP_UNARY_TANH,
  SP_UNARY_EXP,
  SP_UNARY_LOG,
  SP_UNARY_SQRT,
  SP_UNARY_RECIPROCAL,
  SP_UNARY_ERF,
  SP_UNARY_GELU,  // 0.5 x (1 + erf(x / sqrt 2))
  SP_UNARY_GELU_TANH,
  SP_UNARY_HARD_SIGMOID,  // clamp(p0 x + p1, 0, 1)
  SP_UNARY_HARD_SWISH,    // x clamp(x / 6 + 1/2, 0, 1)
  SP_UNARY_SILU,
  SP_UNARY_LEAKY_RELU,  // x < 0 ? p0 x : x
  SP_UNARY_ELU,         // x < 0 ? p0 (exp(x) - 1) : x
  SP_UNARY_NEG,
  SP_UNARY_ABS,
  SP_UNARY_FLOOR,
  SP_UNARY_CEIL,
  SP_UNARY_ROUND,  // half to even
  SP_UNARY_SIGN,
  SP_UNARY_SOFTPLUS,
  SP_UNARY_SIN,
  SP_UNARY_COS,
} sp_unary;

// MIN and MAX give NaN where either side is NaN.
typedef enum {
  SP_BINARY_ADD,
  SP_BINARY_SUB,
  SP_BINARY_MUL,
  SP_BINARY_DIV,
  SP_BINARY_MIN,
  SP_BINARY_MAX,
  SP_BINARY_POW,
} sp_binary;

#pragma clang assume_nonnull end

// Every kernel of one instruction set, as kernels.def lists them. gemm_mr and gemm_nr are the heights and widths of
// the panels that this table's f32_pack_a and f32_pack_b make and its f32_gemm reads; vector_floats is the number of
// floats in a vector register.
typedef struct {
  sp_isa isa;
  int32_t vector_floats;
  int32_t gemm_mr;
  int32_t gemm_nr;
#define SP_KERNEL(result, name, arguments, avx2, avx512, v128) result (*_Nonnull name) arguments;
#include "kernels.def"
#undef SP_KERNEL
} sp_kernel_table;

#pragma clang assume_nonnull begin

// Whether this processor and operating system run `isa`.
bool sp_isa_available(sp_isa isa);

// "scalar", "avx2", "avx512", "neon" or "wasm".
const char *sp_isa_name(sp_isa isa);

// The fastest available instruction set, or a slower one that the environment variable SPARROW_ISA
// (scalar, avx2, avx512, neon, wasm) names. It is read once; a name that is unknown or not available is ignored.
sp_isa sp_best_isa(void);

// The kernels of `isa`, or of the fastest available instruction set below it. A kernel that has no version of its own
// is the one of a lower instruction set. The table lives as long as the process.
const sp_kernel_table *sp_kernels(sp_isa isa);

// sp_kernels(sp_best_isa()).
const sp_kernel_table *sp_kernels_best(void);

#pragma clang assume_nonnull end

#endif
