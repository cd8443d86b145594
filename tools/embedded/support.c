// What Embedded Swift asks of the C library and not every one has.
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/types.h>

// Random bytes, of hash tables' seeds. Weak: the C library's own where it has one.
__attribute__((weak)) void arc4random_buf(void *bytes, size_t count) {
  char *next = bytes;
  while (count) {
    ssize_t got = getrandom(next, count, 0);
    if (got <= 0) abort();
    next += got;
    count -= (size_t)got;
  }
}
