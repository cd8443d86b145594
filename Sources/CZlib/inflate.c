#include "inflate.h"

#include <stdlib.h>
#include <string.h>

enum { table_bits = 12, table_size = 1 << table_bits, longest_code = 15, literals = 288, distances = 32 };

// The source as a stream of bits, least significant first. `buffer` holds `count` valid bits; those above are 0.
typedef struct {
  const uint8_t *next, *end;
  uint64_t buffer;
  unsigned count;
} bits;

// At least 56 bits where the source has them.
static inline void refill(bits *b) {
  if (b->end - b->next >= 8) {
    uint64_t word;
    memcpy(&word, b->next, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    unsigned bytes = (63 - b->count) >> 3;
    if (bytes < 8) word &= ((uint64_t)1 << (8 * bytes)) - 1;
    b->buffer |= word << b->count;
    b->next += bytes;
    b->count += 8 * bytes;
  } else {
    while (b->count <= 55 && b->next < b->end) {
      b->buffer |= (uint64_t)*b->next++ << b->count;
      b->count += 8;
    }
  }
}

static inline void drop(bits *b, unsigned n) {
  b->buffer >>= n;
  b->count -= n;
}

// Takes n <= 32 bits; false where the source ends.
static inline bool take(bits *b, unsigned n, unsigned *value) {
  if (b->count < n) {
    refill(b);
    if (b->count < n) return false;
  }
  *value = (unsigned)(b->buffer & (((uint64_t)1 << n) - 1));
  drop(b, n);
  return true;
}

// A canonical Huffman code, for codes of any length one bit at a time, and for short ones by a table: the entry of the
// next table_bits bits is symbol << 4 | length, 0 where the code is longer.
typedef struct {
  uint16_t counts[longest_code + 1];
  uint16_t symbols[literals];
  uint16_t table[table_size];
} code;

// False unless the lengths make a complete code.
static bool build(code *c, const uint8_t *lengths, int n) {
  memset(c->counts, 0, sizeof c->counts);
  for (int i = 0; i < n; i++) c->counts[lengths[i]]++;
  c->counts[0] = 0;
  int room = 1;
  uint16_t offsets[longest_code + 2] = {0}, first[longest_code + 2] = {0};
  for (int length = 1; length <= longest_code; length++) {
    room = 2 * room - c->counts[length];
    if (room < 0) return false;
    offsets[length + 1] = (uint16_t)(offsets[length] + c->counts[length]);
    first[length + 1] = (uint16_t)((first[length] + c->counts[length]) << 1);
  }
  if (room != 0) return false;
  memset(c->table, 0, sizeof c->table);
  for (int symbol = 0; symbol < n; symbol++) {
    int length = lengths[symbol];
    if (length == 0) continue;
    c->symbols[offsets[length]++] = (uint16_t)symbol;
    unsigned word = first[length]++, reversed = 0;
    if (length > table_bits) continue;
    for (int i = 0; i < length; i++) reversed |= (word >> i & 1) << (length - 1 - i);
    for (unsigned i = reversed; i < table_size; i += 1u << length) {
      c->table[i] = (uint16_t)(symbol << 4 | length);
    }
  }
  return true;
}

// The next symbol; -1 where the source ends.
static inline int decode(const code *c, bits *b) {
  refill(b);
  unsigned entry = c->table[b->buffer & (table_size - 1)];
  if (entry) {
    if ((entry & 15) > b->count) return -1;
    drop(b, entry & 15);
    return (int)(entry >> 4);
  }
  int word = 0, first = 0, index = 0;
  for (unsigned length = 1; length <= longest_code; length++) {
    if (length > b->count) return -1;
    word |= (int)(b->buffer >> (length - 1) & 1);
    int count = c->counts[length];
    if (word - count < first) {
      drop(b, length);
      return c->symbols[index + word - first];
    }
    index += count;
    first = (first + count) << 1;
    word <<= 1;
  }
  return -1;
}

typedef struct {
  code literal, distance;
  // Up to 3 literals whose codes begin with the same table_bits bits: bytes | bits << 24 | how many << 29; 0 where the
  // next symbol is none, or has a longer code.
  uint32_t runs[table_size];
} decoder;

static void build_runs(decoder *d) {
  for (unsigned i = 0; i < table_size; i++) {
    unsigned run = 0, used = 0, n = 0;
    while (n < 3) {
      unsigned entry = d->literal.table[i >> used], length = entry & 15;
      if (!entry || used + length > table_bits || entry >> 4 > 255) break;
      run |= (entry >> 4) << (8 * n++);
      used += length;
    }
    d->runs[i] = n ? run | used << 24 | n << 29 : 0;
  }
}

static const uint16_t length_base[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                         31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t distance_base[30] = {1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
                                           193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
static const uint8_t distance_extra[30] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                           6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};

// The codes of a dynamic block (RFC 1951, 3.2.7).
static bool read_codes(decoder *d, bits *b) {
  static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  unsigned hlit, hdist, hclen, value;
  if (!take(b, 5, &hlit) || !take(b, 5, &hdist) || !take(b, 4, &hclen)) return false;
  unsigned nl = hlit + 257, nd = hdist + 1;
  if (nl > 286 || nd > 30) return false;
  uint8_t lengths[literals + distances] = {0};
  for (unsigned i = 0; i < hclen + 4; i++) {
    if (!take(b, 3, &value)) return false;
    lengths[order[i]] = (uint8_t)value;
  }
  if (!build(&d->distance, lengths, 19)) return false;
  memset(lengths, 0, sizeof lengths);
  unsigned i = 0;
  while (i < nl + nd) {
    int symbol = decode(&d->distance, b);
    if (symbol < 0) return false;
    if (symbol < 16) {
      lengths[i++] = (uint8_t)symbol;
      continue;
    }
    if (symbol == 16 && i == 0) return false;
    uint8_t repeated = symbol == 16 ? lengths[i - 1] : 0;
    unsigned base = symbol == 18 ? 11 : 3;
    if (!take(b, symbol == 16 ? 2 : symbol == 17 ? 3 : 7, &value)) return false;
    if (base + value > nl + nd - i) return false;
    for (unsigned n = base + value; n; n--) lengths[i++] = repeated;
  }
  if (lengths[256] == 0) return false;
  return build(&d->literal, lengths, (int)nl) && build(&d->distance, lengths + nl, (int)nd);
}

static bool fixed_codes(decoder *d) {
  uint8_t lengths[literals];
  for (int i = 0; i < literals; i++) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
  if (!build(&d->literal, lengths, literals)) return false;
  memset(lengths, 5, distances);
  return build(&d->distance, lengths, distances);
}

// A block's symbols up to its end; false where they are not flawless. `start` is the target's first byte.
static bool run_block(const decoder *d, bits *b, uint8_t **out, uint8_t *start, uint8_t *end) {
  uint8_t *next = *out;
  for (;;) {
    // Four runs take at most 48 of 56 bits, and write at most 13 bytes.
    while (end - next >= 16) {
      refill(b);
      if (b->count < 56) break;
      uint32_t run = 0;
      for (int i = 0; i < 4; i++) {
        run = d->runs[b->buffer & (table_size - 1)];
        if (!run) break;
        memcpy(next, &run, 4);
        next += run >> 29;
        drop(b, run >> 24 & 31);
      }
      if (!run) break;
    }
    int symbol = decode(&d->literal, b);
    if (symbol < 0) return false;
    if (symbol < 256) {
      if (next == end) return false;
      *next++ = (uint8_t)symbol;
      continue;
    }
    if (symbol == 256) {
      *out = next;
      return true;
    }
    unsigned extra, far;
    if (symbol > 285 || !take(b, length_extra[symbol - 257], &extra)) return false;
    size_t length = length_base[symbol - 257] + extra;
    int place = decode(&d->distance, b);
    if (place < 0 || place > 29 || !take(b, distance_extra[place], &far)) return false;
    size_t distance = distance_base[place] + far;
    if (distance > (size_t)(next - start) || length > (size_t)(end - next)) return false;
    for (; length; length--, next++) *next = next[-(ptrdiff_t)distance];
  }
}

static bool stored_block(bits *b, uint8_t **out, uint8_t *end) {
  drop(b, b->count & 7);
  unsigned length, complement;
  if (!take(b, 16, &length) || !take(b, 16, &complement)) return false;
  if (length != (complement ^ 0xffff) || length > (size_t)(end - *out)) return false;
  while (length && b->count) {
    *(*out)++ = (uint8_t)b->buffer;
    drop(b, 8);
    length--;
  }
  if (length > (size_t)(b->end - b->next)) return false;
  memcpy(*out, b->next, length);
  *out += length;
  b->next += length;
  return true;
}

bool sz_inflate_fast(uint8_t *target, size_t count, const uint8_t *source, size_t source_count, size_t *used) {
  decoder *d = malloc(sizeof *d);
  if (!d) return false;
  bits b = {source, source + source_count, 0, 0};
  uint8_t *out = target, *end = target + count;
  bool good = true;
  for (unsigned last = 0; good && !last;) {
    unsigned kind;
    good = take(&b, 1, &last) && take(&b, 2, &kind) && kind != 3;
    if (!good) break;
    if (kind == 0) {
      good = stored_block(&b, &out, end);
    } else {
      good = kind == 1 ? fixed_codes(d) : read_codes(d, &b);
      if (good) build_runs(d);
      good = good && run_block(d, &b, &out, target, end);
    }
  }
  free(d);
  *used = (size_t)(b.next - source) - b.count / 8;
  return good && out == end;
}
