// Reading of zlib's format (RFC 1950 and 1951) and CRC-32 where the system has no zlib. What the runtime has no use
// for is left out: compression, and streams in other wrappings.
#ifdef __wasi__
#include "CZlib.h"

#include <stdbool.h>
#include <string.h>

enum { longest_code = 15, fast_bits = 9, most_symbols = 288 };

typedef struct {
  const uint8_t *next, *end;
  uint64_t bits;  // those read and not yet taken, first ones lowest; 0 above them
  unsigned count;
} reader;

typedef struct {
  uint8_t *start, *next, *end;
} writer;

// A Huffman code.
typedef struct {
  uint16_t fast[1 << fast_bits];  // by the bits that follow: symbol << 4 | length; 0 where that is a longer code
  uint16_t symbols[most_symbols];  // in the order of their codes
  uint16_t counts[longest_code + 1];  // of codes, by length
} code;

static void fill(reader *r) {
  while (r->count <= 56 && r->next < r->end) {
    r->bits |= (uint64_t)*r->next++ << r->count;
    r->count += 8;
  }
}

static sz_result take(reader *r, unsigned count, unsigned *value) {
  fill(r);
  if (r->count < count) return SZ_TRUNCATED;
  *value = (unsigned)(r->bits & ((1u << count) - 1));
  r->bits >>= count;
  r->count -= count;
  return SZ_OK;
}

// Puts a code of `length` bits at every place of the fast table that begins with it: its first bit is the lowest.
static void place(code *c, unsigned word, unsigned length, unsigned symbol) {
  unsigned reversed = 0;
  for (unsigned i = 0; i < length; i++) reversed |= (word >> i & 1) << (length - 1 - i);
  for (unsigned i = reversed; i < 1u << fast_bits; i += 1u << length) c->fast[i] = (uint16_t)(symbol << 4 | length);
}

// The code that its symbols' lengths (0: not there) decide. Fails where codes overlap, or where some sequence of bits is
// none, unless the code is empty or, if `may_be_one`, has a single code of one bit.
static bool make_code(code *c, const uint8_t *lengths, unsigned symbols, bool may_be_one) {
  memset(c, 0, sizeof *c);
  for (unsigned i = 0; i < symbols; i++) c->counts[lengths[i]]++;
  bool is_empty = c->counts[0] == symbols, is_one = c->counts[0] == symbols - 1 && c->counts[1] == 1;
  c->counts[0] = 0;
  unsigned word[longest_code + 1], index[longest_code + 1], next = 0, total = 0;
  for (unsigned length = 1; length <= longest_code; length++) {
    next = (next + c->counts[length - 1]) << 1;
    word[length] = next;
    index[length] = total;
    total += c->counts[length];
    if (next + c->counts[length] > 1u << length) return false;
  }
  for (unsigned i = 0; i < symbols; i++) {
    unsigned length = lengths[i];
    if (!length) continue;
    c->symbols[index[length]++] = (uint16_t)i;
    if (length <= fast_bits) place(c, word[length]++, length, i);
  }
  bool is_complete = next + c->counts[longest_code] == 1u << longest_code;
  return is_complete || is_empty || (may_be_one && is_one);
}

static sz_result take_symbol(reader *r, const code *c, unsigned *symbol) {
  fill(r);
  unsigned entry = c->fast[r->bits & ((1u << fast_bits) - 1)], length = entry & 15;
  *symbol = entry >> 4;
  if (!entry) {
    unsigned word = 0, first = 0, index = 0;
    for (length = 1; length <= longest_code; length++) {
      word = word << 1 | (unsigned)(r->bits >> (length - 1) & 1);
      first <<= 1;
      if (word < first + c->counts[length]) break;
      first += c->counts[length];
      index += c->counts[length];
    }
    if (length > longest_code) return r->count < longest_code ? SZ_TRUNCATED : SZ_CORRUPT;
    *symbol = c->symbols[index + word - first];
  }
  if (length > r->count) return SZ_TRUNCATED;
  r->bits >>= length;
  r->count -= length;
  return SZ_OK;
}

// Bytes as they are, after what is left of the present one.
static sz_result copy_stored(reader *r, writer *w) {
  unsigned skipped, count, complement;
  sz_result result = take(r, r->count & 7, &skipped);
  if (!result) result = take(r, 16, &count);
  if (!result) result = take(r, 16, &complement);
  if (result) return result;
  if (count != (complement ^ 0xffff)) return SZ_CORRUPT;
  for (; count && r->count; count--, r->bits >>= 8, r->count -= 8) {
    if (w->next == w->end) return SZ_TARGET_FULL;
    *w->next++ = (uint8_t)r->bits;
  }
  if ((size_t)(r->end - r->next) < count) return SZ_TRUNCATED;
  if ((size_t)(w->end - w->next) < count) return SZ_TARGET_FULL;
  memcpy(w->next, r->next, count);
  w->next += count;
  r->next += count;
  return SZ_OK;
}

// The codes' lengths stand in a code themselves: 16 repeats the one before, 17 and 18 are runs of 0.
static sz_result read_lengths(reader *r, const code *c, uint8_t *lengths, unsigned count) {
  static const uint8_t least[] = {3, 3, 11}, extra[] = {2, 3, 7};
  for (unsigned i = 0; i < count;) {
    unsigned symbol, more;
    sz_result result = take_symbol(r, c, &symbol);
    if (result) return result;
    if (symbol < 16) {
      lengths[i++] = (uint8_t)symbol;
      continue;
    }
    result = take(r, extra[symbol - 16], &more);
    if (result) return result;
    unsigned run = least[symbol - 16] + more;
    if (run > count - i || (symbol == 16 && i == 0)) return SZ_CORRUPT;
    memset(lengths + i, symbol == 16 ? lengths[i - 1] : 0, run);
    i += run;
  }
  return SZ_OK;
}

static sz_result read_codes(reader *r, code *literals, code *distances) {
  static const uint8_t order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  unsigned literal_count, distance_count, length_count;
  sz_result result = take(r, 5, &literal_count);
  if (!result) result = take(r, 5, &distance_count);
  if (!result) result = take(r, 4, &length_count);
  if (result) return result;
  literal_count += 257;
  distance_count += 1;
  if (literal_count > 286 || distance_count > 30) return SZ_CORRUPT;
  uint8_t lengths[286 + 30] = {0};
  for (unsigned i = 0; i < length_count + 4; i++) {
    unsigned length;
    result = take(r, 3, &length);
    if (result) return result;
    lengths[order[i]] = (uint8_t)length;
  }
  if (!make_code(literals, lengths, 19, false)) return SZ_CORRUPT;
  result = read_lengths(r, literals, lengths, literal_count + distance_count);
  if (result) return result;
  // Without an end the block would have none.
  bool is_good = lengths[256] && make_code(literals, lengths, literal_count, true) &&
                 make_code(distances, lengths + literal_count, distance_count, true);
  return is_good ? SZ_OK : SZ_CORRUPT;
}

static void fixed_codes(code *literals, code *distances) {
  uint8_t lengths[most_symbols];
  for (unsigned i = 0; i < most_symbols; i++) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
  make_code(literals, lengths, most_symbols, false);
  memset(lengths, 5, 32);
  make_code(distances, lengths, 32, false);
}

// `symbol` counts from the first that stands for a length or distance. Every `1 << shift` of them take one bit more.
static sz_result take_number(reader *r, unsigned symbol, unsigned shift, unsigned *number) {
  unsigned step = 1u << shift, extra = symbol < 2 * step ? 0 : (symbol >> shift) - 1, more;
  sz_result result = take(r, extra, &more);
  *number = (extra ? (step + (symbol & (step - 1))) << extra : symbol) + more;
  return result;
}

static sz_result copy_match(reader *r, writer *w, const code *distances, unsigned length_symbol) {
  if (length_symbol > 28) return SZ_CORRUPT;
  unsigned length = 255, distance, symbol;
  sz_result result = length_symbol == 28 ? SZ_OK : take_number(r, length_symbol, 2, &length);
  if (!result) result = take_symbol(r, distances, &symbol);
  if (result) return result;
  if (symbol > 29) return SZ_CORRUPT;
  result = take_number(r, symbol, 1, &distance);
  if (result) return result;
  length += 3;
  distance += 1;
  if (distance > (size_t)(w->next - w->start)) return SZ_CORRUPT;
  if (length > (size_t)(w->end - w->next)) return SZ_TARGET_FULL;
  // One byte after the other: a match may go on into what it makes.
  for (; length; length--, w->next++) *w->next = *(w->next - distance);
  return SZ_OK;
}

static sz_result inflate_block(reader *r, writer *w, const code *literals, const code *distances) {
  for (;;) {
    unsigned symbol;
    sz_result result = take_symbol(r, literals, &symbol);
    if (result) return result;
    if (symbol == 256) return SZ_OK;
    if (symbol > 256) {
      result = copy_match(r, w, distances, symbol - 257);
      if (result) return result;
    } else if (w->next == w->end) {
      return SZ_TARGET_FULL;
    } else {
      *w->next++ = (uint8_t)symbol;
    }
  }
}

static sz_result inflate_blocks(reader *r, writer *w) {
  static code literals, distances;  // too large for the stack; there is one thread
  unsigned is_last, kind;
  do {
    sz_result result = take(r, 1, &is_last);
    if (!result) result = take(r, 2, &kind);
    if (!result && kind == 0) result = copy_stored(r, w);
    if (!result && kind == 1) fixed_codes(&literals, &distances);
    if (!result && kind == 2) result = read_codes(r, &literals, &distances);
    if (!result && kind == 3) result = SZ_CORRUPT;
    if (!result && kind != 0) result = inflate_block(r, w, &literals, &distances);
    if (result) return result;
  } while (!is_last);
  return SZ_OK;
}

static uint32_t adler32(const uint8_t *bytes, size_t count) {
  uint32_t a = 1, b = 0;
  while (count) {
    // The most for which 32 bits are enough.
    size_t piece = count < 5552 ? count : 5552;
    count -= piece;
    for (; piece; piece--) b += a += *bytes++;
    a %= 65521;
    b %= 65521;
  }
  return b << 16 | a;
}

sz_result sz_inflate(void *target, size_t count, const void *source, size_t source_count, sz_format format) {
  if (format != SZ_FORMAT_ZLIB) return SZ_CORRUPT;
  const uint8_t *bytes = source;
  if (source_count < 2) return SZ_TRUNCATED;
  bool is_deflate = (bytes[0] & 15) == 8 && bytes[0] >> 4 <= 7, has_dictionary = bytes[1] & 32;
  if (!is_deflate || has_dictionary || (bytes[0] << 8 | bytes[1]) % 31) return SZ_CORRUPT;
  reader r = {.next = bytes + 2, .end = bytes + source_count};
  writer w = {target, target, (uint8_t *)target + count};
  sz_result result = inflate_blocks(&r, &w);
  if (result) return result;
  // Whole bytes that were read ahead go back.
  r.next -= r.count / 8;
  if (r.end - r.next < 4) return SZ_TRUNCATED;
  uint32_t sum = (uint32_t)r.next[0] << 24 | r.next[1] << 16 | r.next[2] << 8 | r.next[3];
  if (sum != adler32(target, (size_t)(w.next - w.start))) return SZ_CORRUPT;
  if (w.next < w.end) return SZ_TOO_SHORT;
  return r.end - r.next > 4 ? SZ_TRAILING : SZ_OK;
}

uint32_t sz_crc32(uint32_t crc, const void *bytes, size_t count) {
  static uint32_t table[256];
  if (!table[1]) {
    for (uint32_t i = 0; i < 256; i++) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; bit++) value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
      table[i] = value;
    }
  }
  const uint8_t *next = bytes;
  crc = ~crc;
  for (; count; count--) crc = crc >> 8 ^ table[(crc ^ *next++) & 255];
  return ~crc;
}

#endif
