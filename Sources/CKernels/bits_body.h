// Counting and masking of weights, straight from a file's unaligned bytes.

V_INLINE vu bits_magnitudes(const char *x, ptrdiff_t i) { return v_bits(v_load(x + 4 * i)) & 0x7fffffffu; }

int64_t SP_VERSION(count_nonzero_f32)(ptrdiff_t n, const void *x) {
  ptrdiff_t i = 0;
  int64_t count = 0;
  while (n - i >= VL) {
    // A lane counts to at most 2^20 before the lanes are added up.
    ptrdiff_t end = i + v_min_index((n - i) / VL, 1 << 20) * VL;
    vi counts[4] = {(vi)0, (vi)0, (vi)0, (vi)0};
    for (; end - i >= 4 * VL; i += 4 * VL) {
      V_UNROLL for (int t = 0; t < 4; t++) { counts[t] -= bits_magnitudes(x, i + t * VL) != 0; }
    }
    for (; i < end; i += VL) {
      counts[0] -= bits_magnitudes(x, i) != 0;
    }
    vi sum = (counts[0] + counts[1]) + (counts[2] + counts[3]);
    for (int l = 0; l < VL; l++) {
      count += sum[l];
    }
  }
  return count + count_nonzero_f32__scalar(n - i, (const char *)x + 4 * i);
}

// Zeros are counted apart: in a sparse tensor most increments would wait for the one before them on the same bin.
void SP_VERSION(f32_abs_histogram)(ptrdiff_t n, const void *x, uint64_t *bins) {
  ptrdiff_t i = 0;
  uint64_t zeros = 0;
  for (; n - i >= VL; i += VL) {
    vu m = bits_magnitudes(x, i), bin = m >> 16;
    uint32_t nonzero = bits_of(m != 0);
    if (nonzero == (1u << VL) - 1) {
      V_UNROLL for (int l = 0; l < VL; l++) { bins[bin[l]]++; }
    } else {
      zeros += (uint64_t)(VL - __builtin_popcount(nonzero));
      uint32_t lanes[VL];
      __builtin_memcpy(lanes, &bin, sizeof lanes);
      for (; nonzero; nonzero &= nonzero - 1) {
        bins[lanes[__builtin_ctz(nonzero)]]++;
      }
    }
  }
  bins[0] += zeros;
  f32_abs_histogram__scalar(n - i, (const char *)x + 4 * i, bins);
}

void SP_VERSION(f32_mask_below)(ptrdiff_t n, const void *x, uint32_t threshold_bits, uint8_t *mask_bits) {
  ptrdiff_t i = 0;
  for (; n - i >= 16; i += 16) {
    uint32_t bits = 0;
    V_UNROLL for (int t = 0; t < 16 / VL; t++) {
      bits |= bits_of(bits_magnitudes(x, i + t * VL) >= threshold_bits) << (t * VL);
    }
    mask_bits[i / 8] = (uint8_t)bits;
    mask_bits[i / 8 + 1] = (uint8_t)(bits >> 8);
  }
  f32_mask_below__scalar(n - i, (const char *)x + 4 * i, threshold_bits, mask_bits + i / 8);
}
