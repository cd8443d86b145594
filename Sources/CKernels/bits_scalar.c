#include <string.h>

#include "versions.h"

static uint32_t magnitude(const void *x, ptrdiff_t i) {
  uint32_t bits;
  memcpy(&bits, (const char *)x + 4 * i, 4);
  return bits & 0x7fffffff;
}

int64_t count_nonzero_f32__scalar(ptrdiff_t n, const void *x) {
  int64_t count = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    count += magnitude(x, i) != 0;
  }
  return count;
}

void f32_abs_histogram__scalar(ptrdiff_t n, const void *x, uint64_t *bins) {
  for (ptrdiff_t i = 0; i < n; i++) {
    bins[magnitude(x, i) >> 16]++;
  }
}

void f32_mask_below__scalar(ptrdiff_t n, const void *x, uint32_t threshold_bits, uint8_t *mask_bits) {
  for (ptrdiff_t i = 0; i < n; i += 8) {
    uint8_t byte = 0;
    for (ptrdiff_t j = i; j < n && j < i + 8; j++) {
      byte |= (uint8_t)((magnitude(x, j) >= threshold_bits) << (j - i));
    }
    mask_bits[i / 8] = byte;
  }
}

ptrdiff_t f32_compress__scalar(ptrdiff_t n, const void *x, const uint8_t *mask_bits, float *out) {
  ptrdiff_t kept = 0;
  for (ptrdiff_t i = 0; i < n; i += 8) {
    uint32_t byte = mask_bits[i / 8] & (n - i < 8 ? (1u << (n - i)) - 1 : 255u);
    for (; byte; byte &= byte - 1) {
      memcpy(out + kept++, (const char *)x + 4 * (i + __builtin_ctz(byte)), 4);
    }
  }
  return kept;
}

ptrdiff_t f32_expand__scalar(ptrdiff_t n, const uint8_t *mask_bits, const float *packed, float *out) {
  ptrdiff_t kept = 0;
  memset(out, 0, (size_t)n * sizeof *out);
  for (ptrdiff_t i = 0; i < n; i += 8) {
    uint32_t byte = mask_bits[i / 8] & (n - i < 8 ? (1u << (n - i)) - 1 : 255u);
    for (; byte; byte &= byte - 1) {
      out[i + __builtin_ctz(byte)] = packed[kept++];
    }
  }
  return kept;
}
