#include "formats.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

// A progressive image of many scans takes time without end; real ones have a dozen.
enum { largest_scan_count = 500 };

// What a libjpeg call may change between setjmp and longjmp lives here, not in locals.
typedef struct {
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf jump;
  char *message;
  si_result result;
  struct jpeg_decompress_struct jpeg;
  uint8_t *row;
} reader;

static reader *of(j_common_ptr jpeg) { return (reader *)jpeg->client_data; }

static void stop(reader *r, si_result result, const char *message) {
  r->result = result;
  snprintf(r->message, SI_MESSAGE_SIZE, "%s", message);
  longjmp(r->jump, 1);
}

static void on_error(j_common_ptr jpeg) {
  reader *r = of(jpeg);
  char text[JMSG_LENGTH_MAX];
  r->errors.format_message(jpeg, text);
  stop(r, r->errors.msg_code == JERR_OUT_OF_MEMORY ? SI_NO_MEMORY : SI_CORRUPT, text);
}

// Warnings of missing data are errors; others (stray bytes between segments) are what every viewer
// puts up with.
static void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER: on_error(jpeg); break;
    default: jpeg->err->num_warnings += 1;
  }
}

static void on_output(j_common_ptr jpeg) { (void)jpeg; }

static void on_progress(j_common_ptr jpeg) {
  if (((j_decompress_ptr)jpeg)->input_scan_number > largest_scan_count) {
    stop(of(jpeg), SI_CORRUPT, "it has too many scans");
  }
}

// CMYK as Adobe's programs write it holds inverted inks.
static void from_cmyk(uint8_t *target, const uint8_t *row, size_t width, bool is_inverted) {
  for (size_t x = 0; x < width; ++x) {
    unsigned black = is_inverted ? row[4 * x + 3] : 255u - row[4 * x + 3];
    for (size_t c = 0; c < 3; ++c) {
      unsigned ink = is_inverted ? row[4 * x + c] : 255u - row[4 * x + c];
      target[3 * x + c] = (uint8_t)((ink * black + 127) / 255);
    }
  }
}

static void decode(reader *r, uint8_t *target) {
  struct jpeg_decompress_struct *jpeg = &r->jpeg;
  bool has_inks = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
  jpeg->out_color_space = has_inks ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(jpeg);
  size_t width = jpeg->output_width;
  if (has_inks) {
    r->row = malloc(4 * width);
    if (!r->row) stop(r, SI_NO_MEMORY, "there is no memory for a row");
  }
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *place = target + 3 * width * jpeg->output_scanline;
    JSAMPROW row = has_inks ? r->row : place;
    if (jpeg_read_scanlines(jpeg, &row, 1) != 1) stop(r, SI_CORRUPT, "a row is missing");
    if (has_inks) from_cmyk(place, r->row, width, jpeg->saw_Adobe_marker);
  }
  jpeg_finish_decompress(jpeg);
}

static void read_image(reader *r, const void *bytes, size_t count, uint32_t *width, uint32_t *height,
                       uint8_t *target) {
  struct jpeg_decompress_struct *jpeg = &r->jpeg;
  jpeg_create_decompress(jpeg);
  jpeg->progress = &r->progress;
  jpeg_mem_src(jpeg, bytes, (unsigned long)count);
  jpeg_read_header(jpeg, TRUE);
  si_result size = si_checked_size(jpeg->image_width, jpeg->image_height);
  if (size != SI_OK) stop(r, size, "its size is out of range");
  if (!target) {
    *width = jpeg->image_width;
    *height = jpeg->image_height;
  } else if (jpeg->image_width != *width || jpeg->image_height != *height) {
    stop(r, SI_CORRUPT, "it is not of the size it had");
  } else {
    decode(r, target);
  }
}

si_result si_jpeg(const void *bytes, size_t count, uint32_t *width, uint32_t *height, uint8_t *target,
                  char message[SI_MESSAGE_SIZE]) {
  reader *r = calloc(1, sizeof *r);
  if (!r) return SI_NO_MEMORY;
  r->message = message;
  r->jpeg.err = jpeg_std_error(&r->errors);
  r->jpeg.client_data = r;
  r->errors.error_exit = on_error;
  r->errors.emit_message = on_message;
  r->errors.output_message = on_output;
  r->progress.progress_monitor = on_progress;
  if (!setjmp(r->jump)) read_image(r, bytes, count, width, height, target);
  jpeg_destroy_decompress(&r->jpeg);
  si_result result = r->result;
  free(r->row);
  free(r);
  return result;
}
