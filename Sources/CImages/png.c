#include "formats.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

// What libpng calls may change between setjmp and longjmp lives here, not in locals.
typedef struct {
  jmp_buf jump;
  char *message;
  si_result result;
  png_structp png;
  png_infop info;
  const uint8_t *bytes;
  size_t left;
  png_bytepp rows;
} reader;

static void stop(reader *r, si_result result, const char *message) {
  r->result = result;
  snprintf(r->message, SI_MESSAGE_SIZE, "%s", message);
  longjmp(r->jump, 1);
}

static void on_error(png_structp png, png_const_charp text) {
  stop((reader *)png_get_error_ptr(png), SI_CORRUPT, text);
}

static void on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void on_read(png_structp png, png_bytep target, size_t count) {
  reader *r = png_get_io_ptr(png);
  if (count > r->left) stop(r, SI_CORRUPT, "the file ends inside the image");
  memcpy(target, r->bytes, count);
  r->bytes += count;
  r->left -= count;
}

// Any kind of pixel as 8-bit RGB.
static void convert(reader *r) {
  png_structp png = r->png;
  png_set_scale_16(png);
  png_set_expand(png);
  png_set_gray_to_rgb(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, r->info);
}

static void decode(reader *r, uint32_t width, uint32_t height, uint8_t *target) {
  convert(r);
  size_t stride = 3 * (size_t)width;
  if (png_get_rowbytes(r->png, r->info) != stride) stop(r, SI_CORRUPT, "its pixels are of no known kind");
  r->rows = calloc(height, sizeof *r->rows);
  if (!r->rows) stop(r, SI_NO_MEMORY, "there is no memory for its rows");
  for (uint32_t y = 0; y < height; ++y) r->rows[y] = target + stride * y;
  png_read_image(r->png, r->rows);
  png_read_end(r->png, NULL);
}

static void read_image(reader *r, uint32_t *width, uint32_t *height, uint8_t *target) {
  r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, on_error, on_warning);
  if (!r->png) stop(r, SI_NO_MEMORY, "there is no memory for libpng");
  r->info = png_create_info_struct(r->png);
  if (!r->info) stop(r, SI_NO_MEMORY, "there is no memory for libpng");
  png_set_user_limits(r->png, SI_LARGEST_PIXELS, SI_LARGEST_PIXELS);
  png_set_chunk_malloc_max(r->png, 1 << 24);
  png_set_chunk_cache_max(r->png, 1000);
  // Chunks that do not change pixels are not looked into.
  png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
  png_set_read_fn(r->png, r, on_read);
  png_read_info(r->png, r->info);
  uint32_t wide = png_get_image_width(r->png, r->info), high = png_get_image_height(r->png, r->info);
  si_result size = si_checked_size(wide, high);
  if (size != SI_OK) stop(r, size, "its size is out of range");
  if (!target) {
    *width = wide;
    *height = high;
  } else if (wide != *width || high != *height) {
    stop(r, SI_CORRUPT, "it is not of the size it had");
  } else {
    decode(r, wide, high, target);
  }
}

si_result si_png(const void *bytes, size_t count, uint32_t *width, uint32_t *height, uint8_t *target,
                 char message[SI_MESSAGE_SIZE]) {
  reader *r = calloc(1, sizeof *r);
  if (!r) return SI_NO_MEMORY;
  r->message = message;
  r->bytes = bytes;
  r->left = count;
  if (!setjmp(r->jump)) read_image(r, width, height, target);
  png_destroy_read_struct(&r->png, &r->info, NULL);
  si_result result = r->result;
  free(r->rows);
  free(r);
  return result;
}
