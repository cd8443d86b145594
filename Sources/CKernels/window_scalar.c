// Gathered windows, depthwise convolution and pooling.
#include <math.h>

#include "versions.h"

typedef struct {
  ptrdiff_t y, x;
} position;

static position input_position(const sp_conv_geometry *g, ptrdiff_t oy, ptrdiff_t ox, ptrdiff_t ky, ptrdiff_t kx) {
  return (position){oy * g->stride_h - g->pad_top + ky * g->dilation_h,
                    ox * g->stride_w - g->pad_left + kx * g->dilation_w};
}

static bool inside(const sp_conv_geometry *g, position p) {
  return p.y >= 0 && p.y < g->height && p.x >= 0 && p.x < g->width;
}

void f32_gather_windows__scalar(const sp_windows *w, const float *source, ptrdiff_t k0, ptrdiff_t k1, ptrdiff_t first,
                                ptrdiff_t n, float *dst, ptrdiff_t dst_stride) {
  for (ptrdiff_t k = k0; k < k1; k++, dst += dst_stride) {
    ptrdiff_t position = k % w->positions, start = k / w->positions * w->plane + w->shifts[position];
    const uint16_t *masks = w->masks + position * w->mask_stride;
    for (ptrdiff_t j = 0, p = first; j < n; j++, p++) {
      dst[j] = masks[p / 16] >> p % 16 & 1 ? source[start + p] : 0;
    }
  }
}

void f32_depthwise__scalar(const sp_conv_geometry *g, ptrdiff_t planes, const float *input, const float *weights,
                           const float *bias, float lo, float hi, float *out, ptrdiff_t out_plane,
                           ptrdiff_t out_row_stride) {
  for (ptrdiff_t i = 0; i < planes; i++, input += g->plane, weights += g->kernel_h * g->kernel_w) {
    for (ptrdiff_t oy = 0; oy < g->out_height; oy++) {
      for (ptrdiff_t ox = 0; ox < g->out_width; ox++) {
        float sum = bias ? bias[i] : 0;
        for (ptrdiff_t ky = 0; ky < g->kernel_h; ky++) {
          for (ptrdiff_t kx = 0; kx < g->kernel_w; kx++) {
            position p = input_position(g, oy, ox, ky, kx);
            sum += weights[ky * g->kernel_w + kx] * (inside(g, p) ? input[p.y * g->row + p.x] : 0);
          }
        }
        sum = sum < lo ? lo : sum;
        out[i * out_plane + oy * out_row_stride + ox] = sum > hi ? hi : sum;
      }
    }
  }
}

void f32_max_pool__scalar(const sp_conv_geometry *g, ptrdiff_t planes, const float *input, float *out,
                          ptrdiff_t out_plane, ptrdiff_t out_row_stride) {
  for (ptrdiff_t i = 0; i < planes; i++, input += g->plane) {
    for (ptrdiff_t oy = 0; oy < g->out_height; oy++) {
      for (ptrdiff_t ox = 0; ox < g->out_width; ox++) {
        float best = -INFINITY;
        for (ptrdiff_t ky = 0; ky < g->kernel_h; ky++) {
          for (ptrdiff_t kx = 0; kx < g->kernel_w; kx++) {
            position p = input_position(g, oy, ox, ky, kx);
            if (inside(g, p)) {
              float x = input[p.y * g->row + p.x];
              best = x > best || isnan(x) ? x : best;
            }
          }
        }
        out[i * out_plane + oy * out_row_stride + ox] = best;
      }
    }
  }
}

void f32_average_pool__scalar(const sp_conv_geometry *g, const float *plane, bool count_include_pad,
                              ptrdiff_t pad_bottom, ptrdiff_t pad_right, float *out, ptrdiff_t out_row_stride) {
  for (ptrdiff_t oy = 0; oy < g->out_height; oy++, out += out_row_stride) {
    for (ptrdiff_t ox = 0; ox < g->out_width; ox++) {
      float sum = 0;
      ptrdiff_t counted = 0;
      for (ptrdiff_t ky = 0; ky < g->kernel_h; ky++) {
        for (ptrdiff_t kx = 0; kx < g->kernel_w; kx++) {
          position p = input_position(g, oy, ox, ky, kx);
          if (inside(g, p)) {
            sum += plane[p.y * g->row + p.x];
          }
          bool padded = p.y < g->height + pad_bottom && p.x < g->width + pad_right;
          counted += count_include_pad ? padded : inside(g, p);
        }
      }
      out[ox] = counted ? sum / (float)counted : 0;
    }
  }
}
