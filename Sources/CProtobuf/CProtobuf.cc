#include "CProtobuf.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <climits>
#include <memory>
#include <string>

using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;
using google::protobuf::io::StringOutputStream;

static bool read_value(CodedInputStream &stream, sp_wire_field &field, size_t left) {
  switch (field.wire_type) {
  case SP_WIRE_VARINT: {
    uint64_t value;
    if (!stream.ReadVarint64(&value)) return false;
    field.value = value;
    return true;
  }
  case SP_WIRE_FIXED64: {
    uint64_t value;
    if (!stream.ReadLittleEndian64(&value)) return false;
    field.value = value;
    return true;
  }
  case SP_WIRE_FIXED32: {
    uint32_t value;
    if (!stream.ReadLittleEndian32(&value)) return false;
    field.value = value;
    return true;
  }
  case SP_WIRE_BYTES: {
    uint64_t count;
    if (!stream.ReadVarint64(&count)) return false;
    size_t used = static_cast<size_t>(stream.CurrentPosition());
    if (count > left - used) return false;
    field.offset += used;
    field.count = static_cast<size_t>(count);
    return true;
  }
  default:
    return false;
  }
}

sp_wire_status sp_wire_next(
    const uint8_t *message, size_t size, size_t *position, sp_wire_field *out) {
  if (*position >= size) return SP_WIRE_END;
  size_t left = size - *position;
  if (left > INT_MAX) return SP_WIRE_MALFORMED;
  CodedInputStream stream(message + *position, static_cast<int>(left));
  uint32_t tag = stream.ReadTagNoLastTag();
  sp_wire_field field = {tag >> 3, static_cast<int32_t>(tag & 7), 0, *position, 0};
  if (field.number == 0 || !read_value(stream, field, left)) return SP_WIRE_MALFORMED;
  *position = field.wire_type == SP_WIRE_BYTES
                  ? field.offset + field.count
                  : *position + static_cast<size_t>(stream.CurrentPosition());
  *out = field;
  return SP_WIRE_FIELD;
}

size_t sp_wire_varint_count(const uint8_t *packed, size_t size) {
  size_t count = 0;
  for (size_t i = 0; i < size; i++) count += packed[i] < 0x80;
  return count;
}

bool sp_wire_varints(const uint8_t *packed, size_t size, uint64_t *values, size_t count) {
  if (size > INT_MAX) return false;
  CodedInputStream stream(packed, static_cast<int>(size));
  for (size_t i = 0; i < count; i++) {
    uint64_t value;
    if (!stream.ReadVarint64(&value)) return false;
    values[i] = value;
  }
  return static_cast<size_t>(stream.CurrentPosition()) == size;
}

// The coded stream keeps a pointer into the buffer, so a writer is never moved; Trim() before each
// look at the buffer gives back what the stream holds of it.
struct sp_wire_writer {
  std::string buffer;
  StringOutputStream sink{&buffer};
  CodedOutputStream stream{&sink};
};

sp_wire_writer *sp_wire_writer_create(void) { return new sp_wire_writer; }

void sp_wire_writer_destroy(sp_wire_writer *writer) { delete writer; }

static void write_tag(sp_wire_writer *writer, uint32_t number, uint32_t wire_type) {
  writer->stream.WriteTag(number << 3 | wire_type);
}

void sp_wire_write_varint(sp_wire_writer *writer, uint32_t number, uint64_t value) {
  write_tag(writer, number, SP_WIRE_VARINT);
  writer->stream.WriteVarint64(value);
}

void sp_wire_write_fixed32(sp_wire_writer *writer, uint32_t number, uint32_t value) {
  write_tag(writer, number, SP_WIRE_FIXED32);
  writer->stream.WriteLittleEndian32(value);
}

void sp_wire_write_bytes(
    sp_wire_writer *writer, uint32_t number, const uint8_t *bytes, size_t count) {
  sp_wire_write_header(writer, number, static_cast<uint32_t>(count));
  writer->stream.WriteRaw(bytes, static_cast<int>(count));
}

void sp_wire_write_header(sp_wire_writer *writer, uint32_t number, uint32_t count) {
  write_tag(writer, number, SP_WIRE_BYTES);
  writer->stream.WriteVarint32(count);
}

const uint8_t *sp_wire_writer_bytes(sp_wire_writer *writer, size_t *count) {
  writer->stream.Trim();
  *count = writer->buffer.size();
  return reinterpret_cast<const uint8_t *>(writer->buffer.data());
}
