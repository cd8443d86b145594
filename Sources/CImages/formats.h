// One reader a format. Without a target each sets the size and stops there; with one it decodes an image
// that must be of the given size.
#ifndef SPARROW_CIMAGES_FORMATS_H
#define SPARROW_CIMAGES_FORMATS_H

#include "CImages.h"

si_result si_jpeg(const void *bytes, size_t count, uint32_t *width, uint32_t *height, uint8_t *target,
                  char message[SI_MESSAGE_SIZE]);
si_result si_png(const void *bytes, size_t count, uint32_t *width, uint32_t *height, uint8_t *target,
                 char message[SI_MESSAGE_SIZE]);
si_result si_checked_size(uint64_t width, uint64_t height);

#endif
