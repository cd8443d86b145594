// What the C library gives in the same form everywhere.
#define _GNU_SOURCE
#include "CPlatform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void *sp_allocate(size_t count) {
  if (count > SIZE_MAX - 64) return NULL;
  size_t rounded = (count + 63) & ~(size_t)63;
  return aligned_alloc(64, rounded ? rounded : 64);
}

void sp_deallocate(void *base) { free(base); }

bool sp_equal(const void *a, const void *b, size_t count) { return memcmp(a, b, count) == 0; }

const char *sp_error_text(int code) { return strerror(code); }

int sp_format_number(void *text, size_t capacity, bool fixed, int digits, double value) {
  int count = snprintf(text, capacity, fixed ? "%.*f" : "%.*g", digits, value);
  return count < 0 ? 0 : (size_t)count < capacity ? count : (int)capacity - 1;
}

uint64_t sp_clock_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
