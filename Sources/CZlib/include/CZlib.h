// Whole-buffer deflate, inflate and CRC-32 over zlib. Buffers may be larger than 4 GiB; nothing is ever
// written outside the target, whatever the source holds.
#ifndef SPARROW_CZLIB_H
#define SPARROW_CZLIB_H

#include <stddef.h>
#include <stdint.h>

// The wrapping of a deflate stream: zlib's header and Adler-32, nothing (zip entries), or gzip's header
// and CRC-32.
typedef enum { SZ_FORMAT_ZLIB = 0, SZ_FORMAT_RAW = 1, SZ_FORMAT_GZIP = 2 } sz_format;

typedef enum { SZ_STRATEGY_MATCHES = 0, SZ_STRATEGY_HUFFMAN_ONLY = 1 } sz_strategy;

typedef enum {
  SZ_OK = 0,
  // The target is full before the stream ends.
  SZ_TARGET_FULL = 1,
  // The stream is whole but holds fewer bytes than the target.
  SZ_TOO_SHORT = 2,
  // The source ends inside the stream.
  SZ_TRUNCATED = 3,
  // The stream breaks the format, or its own checksum is wrong.
  SZ_CORRUPT = 4,
  // Bytes follow the end of the stream.
  SZ_TRAILING = 5,
  SZ_NO_MEMORY = 6,
} sz_result;

// Compresses `count` bytes into at most `capacity`; SZ_TARGET_FULL, and an undefined target, where they
// do not fit. Level 1 (fastest) to 9.
sz_result sz_deflate(void *target, size_t capacity, size_t *written, const void *source, size_t count,
                     int level, sz_strategy strategy, sz_format format);

// Decompresses a stream of exactly `count` bytes from exactly `source_count` bytes.
sz_result sz_inflate(void *target, size_t count, const void *source, size_t source_count, sz_format format);

// Decompresses the first bytes of a stream: SZ_OK and how many, at most `capacity`.
sz_result sz_inflate_prefix(void *target, size_t capacity, size_t *written, const void *source,
                            size_t source_count, sz_format format);

// CRC-32 (IEEE 802.3, as in zip and PNG) of bytes following those of checksum `crc`; start with 0.
uint32_t sz_crc32(uint32_t crc, const void *bytes, size_t count);

#endif
