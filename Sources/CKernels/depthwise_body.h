// Direct depthwise convolution, plane by plane. 3x3 kernels are in depthwise_3x3_body.h.
//
// The other specialised kernels hold `rows` output rows of one vector each. Kernel column by kernel column, every input
// vector is loaded once and multiplied into each output row that sees it:
//
//   input row 0   w0                 -> out 0
//   input row 1   w1 w0              -> out 0, out 1
//   input row 2   w2 w1 w0           -> out 0, out 1, out 2      (3x3, stride 1)
//   ...
//
// They skip rows outside the image, which finite weights allow. With an infinite or NaN weight the padding's zeros
// count, and the general kernel multiplies them.

// Held by value, and copied into each kernel's frame: stores through may_alias pointers would make the compiler load
// anything else again.
typedef struct {
  sp_conv_geometry g;
  const float *input, *weights, *bias;  // of all planes
  vf lo, hi;
  float *out;
  ptrdiff_t out_plane, out_row_stride;
} depthwise_job;

#include "depthwise_3x3_body.h"

// The same of one plane.
typedef struct {
  sp_conv_geometry g;
  const float *plane, *weights;
  vf bias, lo, hi;
  float *out;
  ptrdiff_t out_row_stride;
} depthwise_plane;

V_INLINE depthwise_plane depthwise_plane_at(const depthwise_job *job, ptrdiff_t index) {
  return (depthwise_plane){.g = job->g,
                           .plane = job->input + index * job->g.plane,
                           .weights = job->weights + index * job->g.kernel_h * job->g.kernel_w,
                           .bias = v_set1(job->bias ? job->bias[index] : 0),
                           .lo = job->lo,
                           .hi = job->hi,
                           .out = job->out + index * job->out_plane,
                           .out_row_stride = job->out_row_stride};
}

// A block's inputs for kernel column kx, and with stride 2 for kx + 1 too.
V_INLINE void depthwise_load(const float *row, ptrdiff_t x, const window_mask *mask, const int stride, const bool edge,
                             vf v[2]) {
  const float *p = v_at(row, x);
  if (stride == 1) {
    v[0] = edge ? v_load_masked(mask->first, p) : v_load(p);
  } else {
    vf lo = edge ? v_load_masked(mask->first, p) : v_load(p);
    vf hi = edge ? v_load_masked(mask->second, v_at(p, VL)) : v_load(p + VL);
    v[0] = v_even(lo, hi);
    v[1] = v_odd(lo, hi);
  }
}

// Output rows oy..<oy+rows, columns ox..<ox+VL.
V_INLINE void depthwise_block(const depthwise_plane *job, const vf *w, ptrdiff_t oy, ptrdiff_t ox, const int size,
                              const int stride, const int rows, const bool edge) {
  const sp_conv_geometry *g = &job->g;
  ptrdiff_t y = oy * stride - g->pad_top, x = ox * stride - g->pad_left;
  const float *first = v_at(job->plane, y * g->row);
  vf sum[4];
  V_UNROLL for (int r = 0; r < rows; r++) { sum[r] = job->bias; }
  V_UNROLL for (int kx = 0; kx < size; kx += stride) {
    window_mask mask = window_inside(x + kx, g->width, stride);
    const float *row = first;
    V_UNROLL for (int i = 0; i < (rows - 1) * stride + size; i++, row = v_at(row, g->row)) {
      if (edge && (y + i < 0 || y + i >= g->height)) {
        continue;
      }
      vf v[2];
      depthwise_load(row, x + kx, &mask, stride, edge, v);
      V_UNROLL for (int r = 0; r < rows; r++) {
        int ky = i - r * stride;
        if (ky >= 0 && ky < size) {
          sum[r] = v_fma(w[ky * size + kx], v[0], sum[r]);
          if (stride == 2 && kx + 1 < size) {
            sum[r] = v_fma(w[ky * size + kx + 1], v[1], sum[r]);
          }
        }
      }
    }
  }
  vm mask = m_first(g->out_width - ox);
  V_UNROLL for (int r = 0; r < rows; r++) {
    if (!edge || oy + r < g->out_height) {
      vf v = v_clamp(sum[r], job->lo, job->hi);
      float *out = job->out + (oy + r) * job->out_row_stride + ox;
      if (edge) {
        v_store_masked(mask, out, v);
      } else {
        v_store(out, v);
      }
    }
  }
}

V_INLINE void depthwise_square(const depthwise_job *shared, ptrdiff_t index, const int size, const int stride,
                               const int rows) {
  const depthwise_plane copy = depthwise_plane_at(shared, index), *job = &copy;
  const sp_conv_geometry *g = &job->g;
  vf w[49];
  V_UNROLL for (int i = 0; i < size * size; i++) { w[i] = v_set1(job->weights[i]); }
  for (ptrdiff_t oy = 0; oy < g->out_height; oy += rows) {
    ptrdiff_t y = oy * stride - g->pad_top;
    bool rows_inside = y >= 0 && y + (rows - 1) * stride + size <= g->height && oy + rows <= g->out_height;
    for (ptrdiff_t ox = 0; ox < g->out_width; ox += VL) {
      ptrdiff_t x = ox * stride - g->pad_left;
      if (rows_inside && ox + VL <= g->out_width && x >= 0 && x + size - 1 + VL * stride <= g->width) {
        depthwise_block(job, w, oy, ox, size, stride, rows, false);
      } else {
        depthwise_block(job, w, oy, ox, size, stride, rows, true);
      }
    }
  }
}

V_INLINE const float *depthwise_row(const sp_conv_geometry *g, const float *plane, ptrdiff_t y, bool *inside) {
  *inside = y >= 0 && y < g->height;
  return *inside ? plane + y * g->row : plane;
}

// Two sums take turns, because one would wait for every FMA to finish.
V_INLINE void depthwise_any(const depthwise_job *shared, ptrdiff_t index, const int stride) {
  const depthwise_plane copy = depthwise_plane_at(shared, index), *job = &copy;
  const sp_conv_geometry *g = &job->g;
  for (ptrdiff_t oy = 0; oy < g->out_height; oy++) {
    for (ptrdiff_t ox = 0; ox < g->out_width; ox += VL) {
      vf sum = job->bias, other = v_zero();
      const float *w = job->weights;
      for (ptrdiff_t ky = 0; ky < g->kernel_h; ky++) {
        bool inside;
        const float *row =
            depthwise_row(g, job->plane, oy * g->stride_h - g->pad_top + ky * g->dilation_h, &inside);
        ptrdiff_t x = ox * stride - g->pad_left, width = inside ? g->width : 0;
        for (ptrdiff_t kx = 0; kx < g->kernel_w; kx++, x += g->dilation_w) {
          vf v = window_is_inside(x, width, stride)
                     ? window_load(row, x, stride)
                     : window_load_masked(row, x, window_inside(x, width, stride), v_zero(), stride);
          vf next = v_fma(v_set1(*w++), v, other);
          other = sum;
          sum = next;
        }
      }
      v_store_masked(m_first(g->out_width - ox), job->out + oy * job->out_row_stride + ox,
                     v_clamp(sum + other, job->lo, job->hi));
    }
  }
}

typedef void depthwise_kernel(const depthwise_job *job, ptrdiff_t index);
static void depthwise_5x5(const depthwise_job *job, ptrdiff_t index) { depthwise_square(job, index, 5, 1, 4); }
static void depthwise_5x5_stride2(const depthwise_job *job, ptrdiff_t index) { depthwise_square(job, index, 5, 2, 4); }
static void depthwise_7x7(const depthwise_job *job, ptrdiff_t index) { depthwise_square(job, index, 7, 1, 4); }
static void depthwise_stride1(const depthwise_job *job, ptrdiff_t index) { depthwise_any(job, index, 1); }
static void depthwise_stride2(const depthwise_job *job, ptrdiff_t index) { depthwise_any(job, index, 2); }

static void depthwise_3x3(const depthwise_job *job, ptrdiff_t planes) { depthwise_planes_3x3(job, planes, 1, false); }
static void depthwise_3x3_in_place(const depthwise_job *job, ptrdiff_t planes) {
  depthwise_planes_3x3(job, planes, 1, true);
}
static void depthwise_3x3_stride2(const depthwise_job *job, ptrdiff_t planes) { depthwise_planes_3x3(job, planes, 2, false); }

V_INLINE bool depthwise_is_finite(const float *weights, ptrdiff_t count) {
  bool finite = true;
  for (ptrdiff_t i = 0; i < count; i++) {
    uint32_t bits;
    __builtin_memcpy(&bits, weights + i, 4);
    finite &= (bits & 0x7f800000u) != 0x7f800000u;
  }
  return finite;
}

void SP_VERSION(f32_depthwise)(const sp_conv_geometry *g, ptrdiff_t planes, const float *input, const float *weights,
                               const float *bias, float lo, float hi, float *out, ptrdiff_t out_plane,
                               ptrdiff_t out_row_stride) {
  if (g->stride_w > 2) {
    f32_depthwise__scalar(g, planes, input, weights, bias, lo, hi, out, out_plane, out_row_stride);
    return;
  }
  depthwise_job job = {*g, input, weights, bias, v_set1(lo), v_set1(hi), out, out_plane, out_row_stride};
  bool square = g->kernel_h == g->kernel_w && g->stride_h == g->stride_w && g->dilation_h == 1 && g->dilation_w == 1;
  bool finite = depthwise_is_finite(weights, planes * g->kernel_h * g->kernel_w);
  ptrdiff_t size = square && finite ? g->kernel_h : 0;
  if (size == 3 && input == out) {
    depthwise_3x3_in_place(&job, planes);
    return;
  }
  if (size == 3) {
    (g->stride_w == 1 ? depthwise_3x3 : depthwise_3x3_stride2)(&job, planes);
    return;
  }
  depthwise_kernel *kernel = g->stride_w == 1 ? depthwise_stride1 : depthwise_stride2;
  if (size == 5) {
    kernel = g->stride_w == 1 ? depthwise_5x5 : depthwise_5x5_stride2;
  } else if (size == 7 && g->stride_w == 1) {
    kernel = depthwise_7x7;
  }
  for (ptrdiff_t i = 0; i < planes; i++) {
    kernel(&job, i);
  }
}
