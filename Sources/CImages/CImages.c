#include "CImages.h"

#include "formats.h"

#include <stdbool.h>
#include <string.h>

static bool begins(const void *bytes, size_t count, const char *magic, size_t length) {
  return count >= length && memcmp(bytes, magic, length) == 0;
}

static bool is_jpeg(const void *bytes, size_t count) { return begins(bytes, count, "\xff\xd8\xff", 3); }

static bool is_png(const void *bytes, size_t count) {
  return begins(bytes, count, "\x89PNG\r\n\x1a\n", 8);
}

si_result si_checked_size(uint64_t width, uint64_t height) {
  if (!width || !height) return SI_CORRUPT;
  return height > SI_LARGEST_PIXELS / width ? SI_TOO_LARGE : SI_OK;
}

si_result si_size(const void *bytes, size_t count, uint32_t *width, uint32_t *height,
                  char message[SI_MESSAGE_SIZE]) {
  message[0] = 0;
  *width = *height = 0;
  if (is_jpeg(bytes, count)) return si_jpeg(bytes, count, width, height, NULL, message);
  if (is_png(bytes, count)) return si_png(bytes, count, width, height, NULL, message);
  return SI_UNKNOWN;
}

si_result si_decode(const void *bytes, size_t count, uint32_t width, uint32_t height, uint8_t *target,
                    char message[SI_MESSAGE_SIZE]) {
  message[0] = 0;
  if (is_jpeg(bytes, count)) return si_jpeg(bytes, count, &width, &height, target, message);
  if (is_png(bytes, count)) return si_png(bytes, count, &width, &height, target, message);
  return SI_UNKNOWN;
}
