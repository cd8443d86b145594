// Deflate streams (RFC 1951) decoded faster than zlib does: several literals a table lookup, which is what streams of
// Huffman codes alone are made of.
#ifndef SPARROW_INFLATE_H
#define SPARROW_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Decodes a raw stream of exactly `count` bytes from the start of the source. False where it is not whole and flawless,
// or merely unusual: zlib then has the last word. Never reads or writes outside the buffers, but leaves the target
// undefined. `used`: the source's bytes the stream takes.
bool sz_inflate_fast(uint8_t *target, size_t count, const uint8_t *source, size_t source_count, size_t *used);

#endif
