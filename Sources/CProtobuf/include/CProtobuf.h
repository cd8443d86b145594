// libprotobuf's wire-format reader and writer (google::protobuf::io) behind plain C functions.
// Reading reports where each field lies; nothing is copied and nothing is allocated.
#ifndef SPARROW_CPROTOBUF_H
#define SPARROW_CPROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A wire type as the protobuf encoding numbers it. Groups (3 and 4) count as malformed.
enum {
  SP_WIRE_VARINT = 0,
  SP_WIRE_FIXED64 = 1,
  SP_WIRE_BYTES = 2,
  SP_WIRE_FIXED32 = 5,
};

// One field: `value` of a varint or fixed field, else `count` bytes from `offset` on.
typedef struct {
  uint32_t number;
  int32_t wire_type;
  uint64_t value;
  size_t offset;
  size_t count;
} sp_wire_field;

typedef enum {
  SP_WIRE_FIELD,
  SP_WIRE_END,
  // A tag, varint or length that breaks off, runs past the end, or is of no known wire type.
  SP_WIRE_MALFORMED,
} sp_wire_status;

// Reads the field at *position in a message of `size` bytes (at most INT32_MAX) and moves *position
// behind it; after SP_WIRE_MALFORMED it has not moved.
sp_wire_status sp_wire_next(
    const uint8_t *message, size_t size, size_t *position, sp_wire_field *field);

// The number of varints packed in `size` bytes.
size_t sp_wire_varint_count(const uint8_t *packed, size_t size);
// Decodes exactly `count` varints; false when they break off or bytes are left.
bool sp_wire_varints(const uint8_t *packed, size_t size, uint64_t *values, size_t count);

// A growing buffer of fields.
typedef struct sp_wire_writer sp_wire_writer;
sp_wire_writer *sp_wire_writer_create(void);
void sp_wire_writer_destroy(sp_wire_writer *writer);
void sp_wire_write_varint(sp_wire_writer *writer, uint32_t number, uint64_t value);
void sp_wire_write_fixed32(sp_wire_writer *writer, uint32_t number, uint32_t value);
void sp_wire_write_bytes(
    sp_wire_writer *writer, uint32_t number, const uint8_t *bytes, size_t count);
// The tag and length of a bytes field whose content is written elsewhere.
void sp_wire_write_header(sp_wire_writer *writer, uint32_t number, uint32_t count);
// What was written so far; valid until the next call on the writer.
const uint8_t *sp_wire_writer_bytes(sp_wire_writer *writer, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
