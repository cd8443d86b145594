// Preloaded into a program: counts what it asks malloc and its kin for, and prints the sum to standard error at its end.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *base, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static long requests;

static void count(void) { __atomic_fetch_add(&requests, 1, __ATOMIC_RELAXED); }

void *malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
  count();
  return __libc_calloc(n, size);
}

void *realloc(void *base, size_t size) {
  count();
  return __libc_realloc(base, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **base, size_t alignment, size_t size) {
  count();
  *base = __libc_memalign(alignment, size);
  return *base ? 0 : ENOMEM;
}

__attribute__((destructor)) static void report(void) { fprintf(stderr, "allocations %ld\n", requests); }
