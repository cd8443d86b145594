// Panels for f32_gemm, and transposition.

// Rows become columns: each round interleaves the two halves of the registers, log2(VL) rounds in all.
V_INLINE void v_transpose(vf r[VL]) {
  V_UNROLL for (int round = 1; round < VL; round *= 2) {
    vf t[VL];
    V_UNROLL for (int i = 0; i < VL / 2; i++) {
      t[2 * i] = v_zip_lo(r[i], r[i + VL / 2]);
      t[2 * i + 1] = v_zip_hi(r[i], r[i + VL / 2]);
    }
    V_UNROLL for (int i = 0; i < VL; i++) { r[i] = t[i]; }
  }
}

// dst[j * dst_stride + i] = src[i * src_stride + j]; rows after `rows` are zeros in dst, which has `kept` of them.
static void transpose_block(ptrdiff_t rows, ptrdiff_t columns, const float *src, ptrdiff_t src_stride, float *dst,
                            ptrdiff_t dst_stride, ptrdiff_t kept) {
  vf r[VL];
  vm wide = m_first(columns), high = m_first(kept);
  if (rows >= VL && columns >= VL) {
    V_UNROLL for (int i = 0; i < VL; i++) { r[i] = v_load(src + i * src_stride); }
  } else {
    V_UNROLL for (int i = 0; i < VL; i++) { r[i] = i < rows ? v_load_masked(wide, src + i * src_stride) : v_zero(); }
  }
  v_transpose(r);
  if (kept >= VL && columns >= VL) {
    V_UNROLL for (int j = 0; j < VL; j++) { v_store(dst + j * dst_stride, r[j]); }
  } else {
    V_UNROLL for (int j = 0; j < VL; j++) {
      if (j < columns) {
        v_store_masked(high, dst + j * dst_stride, r[j]);
      }
    }
  }
}

// Down the rows first: VL lines of dst fill up one after the other.
void SP_VERSION(f32_transpose)(ptrdiff_t rows, ptrdiff_t columns, const float *src, ptrdiff_t src_stride, float *dst,
                               ptrdiff_t dst_stride) {
  for (ptrdiff_t j = 0; j < columns; j += VL) {
    for (ptrdiff_t i = 0; i < rows; i += VL) {
      transpose_block(rows - i, columns - j, src + i * src_stride + j, src_stride, dst + j * dst_stride + i, dst_stride,
                      rows - i);
    }
  }
}

// dst[d * width + l] = src[l * lane_stride + d * depth_stride] for l < lanes, 0 up to width.
V_INLINE void pack_panel(ptrdiff_t lanes, ptrdiff_t depth, const float *src, ptrdiff_t lane_stride,
                         ptrdiff_t depth_stride, float *dst, const int width) {
  if (lane_stride == 1) {
    for (ptrdiff_t d = 0; d < depth; d++) {
      V_UNROLL for (int l = 0; l < width; l += VL) {
        vf v = v_load_masked(m_first(lanes - l), src + d * depth_stride + l);
        v_store_masked(m_first(width - l), dst + d * width + l, v);
      }
    }
  } else if (depth_stride == 1) {
    for (ptrdiff_t d = 0; d < depth; d += VL) {
      for (ptrdiff_t l = 0; l < width; l += VL) {
        transpose_block(lanes - l, depth - d, src + l * lane_stride + d, lane_stride, dst + d * width + l, width,
                        width - l);
      }
    }
  } else {
    for (ptrdiff_t d = 0; d < depth; d++) {
      for (ptrdiff_t l = 0; l < width; l++) {
        dst[d * width + l] = l < lanes ? src[l * lane_stride + d * depth_stride] : 0;
      }
    }
  }
}

void SP_VERSION(f32_pack_a)(ptrdiff_t rows, ptrdiff_t k, const float *src, ptrdiff_t row_stride,
                            ptrdiff_t column_stride, float *dst) {
  pack_panel(rows, k, src, row_stride, column_stride, dst, GEMM_MR);
}

void SP_VERSION(f32_pack_b)(ptrdiff_t k, ptrdiff_t columns, const float *src, ptrdiff_t row_stride,
                            ptrdiff_t column_stride, float *dst) {
  pack_panel(columns, k, src, column_stride, row_stride, dst, GEMM_NR);
}
