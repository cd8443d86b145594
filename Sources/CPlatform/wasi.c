// WebAssembly: one thread, and files that only the page or program around the module reads. What CPlatform.h has for
// programs alone is left out.
#ifdef __wasi__
#include "CPlatform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Whole pages would be a waste: memory is never given back, and there are no large ones.
void *sp_map_pages(size_t count) {
  void *memory = sp_allocate(count);
  if (memory) memset(memory, 0, count);
  return memory;
}

void sp_unmap_pages(void *base, size_t count) {
  (void)count;
  sp_deallocate(base);
}

int sp_map_file(const char *path, void **base, ptrdiff_t *count) {
  (void)path, (void)base, (void)count;
  return ENOTSUP;
}

void sp_unmap_file(void *base, size_t count) { (void)base, (void)count; }

void sp_release_file_pages(const void *base, size_t count) { (void)base, (void)count; }

void sp_trim_heap(void) {}

ptrdiff_t sp_l1_data_bytes(void) { return 32 << 10; }

int sp_cpu_count(void) { return 1; }

sp_thread *sp_thread_start(void (*body)(void *), void *context) {
  (void)body, (void)context;
  return NULL;
}

void sp_thread_join(sp_thread *thread) { (void)thread; }

// Nobody else could change the value.
void sp_atomic_wait(sp_atomic *a, int32_t expected) { (void)a, (void)expected; }
void sp_atomic_wake_all(sp_atomic *a) { (void)a; }
void sp_lock(sp_atomic *a) { a->value = 1; }
void sp_unlock(sp_atomic *a) { a->value = 0; }

#endif
