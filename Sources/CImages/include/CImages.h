// JPEG and PNG images from memory as 8-bit RGB, over libjpeg-turbo and libpng. Whatever the bytes hold,
// nothing is written outside the target, and no function ends the process.
#ifndef SPARROW_CIMAGES_H
#define SPARROW_CIMAGES_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  SI_OK = 0,
  // Neither a JPEG's nor a PNG's first bytes.
  SI_UNKNOWN = 1,
  // The bytes break the format or end too early; the message says where.
  SI_CORRUPT = 2,
  // More than SI_LARGEST_PIXELS.
  SI_TOO_LARGE = 3,
  SI_NO_MEMORY = 4,
} si_result;

// 100 megapixels: 300 MB decoded.
enum { SI_LARGEST_PIXELS = 100000000, SI_MESSAGE_SIZE = 200 };

// Reads the size of an image; a message of the library for SI_CORRUPT.
si_result si_size(const void *bytes, size_t count, uint32_t *width, uint32_t *height,
                  char message[SI_MESSAGE_SIZE]);

// Decodes an image whose size si_size gave into 3 * width * height bytes, rows from the top, red first.
// Grey, palette, 16-bit and CMYK images are converted; transparency is left out.
si_result si_decode(const void *bytes, size_t count, uint32_t width, uint32_t height, uint8_t *target,
                    char message[SI_MESSAGE_SIZE]);

#endif
