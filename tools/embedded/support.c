// What Embedded Swift asks of the C library and not every one has.
#define _GNU_SOURCE
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

// Random bytes, of hash tables' seeds. Weak: the C library's own where it has one.
__attribute__((weak)) void arc4random_buf(void *bytes, size_t count) {
  // The most that getentropy gives at once.
  for (char *next = bytes; count;) {
    size_t piece = count < 256 ? count : 256;
    if (getentropy(next, piece)) abort();
    next += piece;
    count -= piece;
  }
}
