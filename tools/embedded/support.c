// What Embedded Swift asks of the C library and musl does not have.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#ifndef __GLIBC__
// Random bytes, of hash tables' seeds.
void arc4random_buf(void *bytes, size_t count) {
  char *next = bytes;
  while (count) {
    ssize_t got = getrandom(next, count, 0);
    if (got <= 0) abort();
    next += got;
    count -= (size_t)got;
  }
}
#endif
