// Convolutions through offsets.
#include "epilogue.h"
#include "versions.h"

enum { MR = SP_GEMM_MR__scalar, NR = SP_GEMM_NR__scalar };

// Weight (channel, k) of panels that are `height` channels high.
static float weight(const sp_direct_conv *c, ptrdiff_t channel, ptrdiff_t k, int height) {
  return c->weights[channel / height * height * c->k + k * height + channel % height];
}

static void convolve(const sp_direct_conv *c, int height, const sp_epilogue *epilogue) {
  for (ptrdiff_t channel = 0; channel < c->outputs; channel++) {
    for (ptrdiff_t row = 0; row < c->rows; row++) {
      for (ptrdiff_t column = 0; column < c->columns; column++) {
        float sum = 0;
        for (ptrdiff_t k = 0; k < c->k; k++) {
          sum += weight(c, channel, k, height) * c->x[row * c->row + column + c->offsets[k]];
        }
        ptrdiff_t pixel = row * c->out_row + column * c->out_column;
        float *y = c->y + channel * c->out_plane + pixel;
        *y = c->out_column == 1 ? sp_finish(sum, epilogue, channel, pixel, 0)
                                : sp_finish(sum, epilogue, row * c->columns + column, channel, 0);
      }
    }
  }
}

void f32_conv_rows__scalar(const sp_direct_conv *c, const sp_epilogue *epilogue) { convolve(c, MR, epilogue); }

void f32_conv_columns__scalar(const sp_direct_conv *c, ptrdiff_t k_block, float *sums, const sp_epilogue *epilogue) {
  (void)k_block, (void)sums;
  convolve(c, NR, epilogue);
}

void f32_split__scalar(const sp_conv_geometry *g, const float *input, ptrdiff_t first_line, const sp_split *layout,
                       float *dst) {
  ptrdiff_t phases_h = layout->phases_h, phases_w = layout->phases_w;
  for (ptrdiff_t i = 0; i < g->channels * phases_h * phases_w; i++, dst += layout->plane) {
    ptrdiff_t c = i / (phases_h * phases_w), phase_y = i / phases_w % phases_h, phase_x = i % phases_w;
    for (ptrdiff_t j = 0; j < layout->plane; j++) {
      ptrdiff_t y = (first_line + j / layout->line) * g->stride_h + phase_y - g->pad_top;
      ptrdiff_t x = j % layout->line * g->stride_w + phase_x - g->pad_left;
      bool inside = j < layout->lines * layout->line && y >= 0 && y < g->height && x >= 0 && x < g->width;
      dst[j] = inside ? input[c * g->plane + y * g->row + x] : 0;
    }
  }
}
