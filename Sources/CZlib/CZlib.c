#ifndef __wasi__
#include "CZlib.h"

#include <stdbool.h>
#include <zlib.h>

// zlib counts the bytes of one call in 32 bits; larger buffers are handed over in pieces.
static const size_t largest_piece = (size_t)1 << 30;

static int window_bits(sz_format format) {
  switch (format) {
    case SZ_FORMAT_RAW: return -MAX_WBITS;
    case SZ_FORMAT_GZIP: return MAX_WBITS + 16;
    default: return MAX_WBITS;
  }
}

// The buffers of one stream that zlib has not been given yet.
typedef struct {
  const unsigned char *input;
  size_t input_left;
  unsigned char *output;
  size_t output_left;
} pending;

static void refill(z_stream *stream, pending *p) {
  if (stream->avail_in == 0 && p->input_left) {
    size_t piece = p->input_left < largest_piece ? p->input_left : largest_piece;
    stream->next_in = (unsigned char *)p->input;
    stream->avail_in = (uInt)piece;
    p->input += piece;
    p->input_left -= piece;
  }
  if (stream->avail_out == 0 && p->output_left) {
    size_t piece = p->output_left < largest_piece ? p->output_left : largest_piece;
    stream->next_out = p->output;
    stream->avail_out = (uInt)piece;
    p->output += piece;
    p->output_left -= piece;
  }
}

sz_result sz_deflate(void *target, size_t capacity, size_t *written, const void *source, size_t count,
                     int level, sz_strategy strategy, sz_format format) {
  z_stream stream = {0};
  int kind = strategy == SZ_STRATEGY_HUFFMAN_ONLY ? Z_HUFFMAN_ONLY : Z_DEFAULT_STRATEGY;
  if (deflateInit2(&stream, level, Z_DEFLATED, window_bits(format), 9, kind) != Z_OK) {
    return SZ_NO_MEMORY;
  }
  pending p = {source, count, target, capacity};
  int code = Z_OK;
  while (code == Z_OK) {
    refill(&stream, &p);
    if (stream.avail_out == 0) break;
    code = deflate(&stream, p.input_left ? Z_NO_FLUSH : Z_FINISH);
  }
  *written = capacity - p.output_left - stream.avail_out;
  deflateEnd(&stream);
  return code == Z_STREAM_END ? SZ_OK : SZ_TARGET_FULL;
}

// Runs inflate until the stream ends, breaks, or one of the buffers does.
static sz_result run_inflate(z_stream *stream, pending *p, bool *ended) {
  *ended = false;
  // zlib needs somewhere to point to even when nothing more is to be written.
  unsigned char nothing;
  if (!stream->next_out && !p->output_left) stream->next_out = &nothing;
  for (;;) {
    refill(stream, p);
    uInt input = stream->avail_in, output = stream->avail_out;
    int code = inflate(stream, Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
      *ended = true;
      return SZ_OK;
    }
    if (code == Z_MEM_ERROR) return SZ_NO_MEMORY;
    if (code != Z_OK && code != Z_BUF_ERROR) return SZ_CORRUPT;
    bool moved = stream->avail_in != input || stream->avail_out != output;
    bool more = (stream->avail_in == 0 && p->input_left) || (stream->avail_out == 0 && p->output_left);
    if (!moved && !more) {
      // With room left the source is at fault; with source left, or both used up, the room is.
      return stream->avail_out || !stream->avail_in ? SZ_TRUNCATED : SZ_TARGET_FULL;
    }
  }
}

sz_result sz_inflate(void *target, size_t count, const void *source, size_t source_count, sz_format format) {
  z_stream stream = {0};
  if (inflateInit2(&stream, window_bits(format)) != Z_OK) return SZ_NO_MEMORY;
  pending p = {source, source_count, target, count};
  bool ended;
  sz_result result = run_inflate(&stream, &p, &ended);
  size_t room = p.output_left + stream.avail_out;
  size_t trailing = p.input_left + stream.avail_in;
  inflateEnd(&stream);
  if (result != SZ_OK) return result;
  if (room) return SZ_TOO_SHORT;
  return trailing ? SZ_TRAILING : SZ_OK;
}

sz_result sz_inflate_prefix(void *target, size_t capacity, size_t *written, const void *source,
                            size_t source_count, sz_format format) {
  z_stream stream = {0};
  *written = 0;
  if (inflateInit2(&stream, window_bits(format)) != Z_OK) return SZ_NO_MEMORY;
  pending p = {source, source_count, target, capacity};
  bool ended;
  sz_result result = run_inflate(&stream, &p, &ended);
  *written = capacity - p.output_left - stream.avail_out;
  inflateEnd(&stream);
  bool full = *written == capacity;
  return full && (result == SZ_TARGET_FULL || result == SZ_TRUNCATED) ? SZ_OK : result;
}

uint32_t sz_crc32(uint32_t crc, const void *bytes, size_t count) {
  return (uint32_t)crc32_z(crc, bytes, count);
}

#endif
