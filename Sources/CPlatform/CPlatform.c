// Linux: its calls for memory, files, threads and sleeping.
#ifndef __wasi__
#define _GNU_SOURCE
#include "CPlatform.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static size_t whole_large_pages(size_t count) {
  return (count + sp_large_page - 1) & ~((size_t)sp_large_page - 1);
}

void *sp_map_pages(size_t count) {
  if (count > SIZE_MAX / 2) return NULL;
  size_t wanted = whole_large_pages(count ? count : 1);
  // One large page too many, so that an aligned range lies inside; the rest goes back at once.
  size_t mapped = wanted + sp_large_page;
  void *memory = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  uintptr_t first = (uintptr_t)memory, base = whole_large_pages(first);
  if (base > first) munmap(memory, base - first);
  uintptr_t end = first + mapped;
  if (end > base + wanted) munmap((void *)(base + wanted), end - base - wanted);
#ifdef MADV_HUGEPAGE
  // Refused where the system has no large pages: the memory is good without.
  madvise((void *)base, wanted, MADV_HUGEPAGE);
#endif
  return (void *)base;
}

void sp_unmap_pages(void *base, size_t count) { munmap(base, whole_large_pages(count ? count : 1)); }

int sp_map_file(const char *path, void **base, ptrdiff_t *count) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  struct stat info;
  int code = 0;
  if (fstat(fd, &info) != 0) {
    code = errno;
  } else if (!S_ISREG(info.st_mode)) {
    code = -1;
  } else {
    // An empty file cannot be mapped; a byte of anonymous memory stands in for it.
    size_t size = (size_t)info.st_size;
    void *memory = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0)
                        : mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      code = errno;
    } else {
      *base = memory;
      *count = (ptrdiff_t)size;
    }
  }
  close(fd);
  return code;
}

void sp_unmap_file(void *base, size_t count) { munmap(base, count ? count : 1); }

void sp_release_file_pages(const void *base, size_t count) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t first = (uintptr_t)base & ~(page - 1), end = ((uintptr_t)base + count + page - 1) & ~(page - 1);
  if (count) madvise((void *)first, end - first, MADV_DONTNEED);
}

void sp_trim_heap(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

char *sp_executable_path(void) {
  // A link that the kernel keeps; where /proc is not mounted, the path that the process was started with.
  char *path = realpath("/proc/self/exe", NULL);
  if (path) return path;
  const char *given = (const char *)getauxval(AT_EXECFN);
  return given ? strdup(given) : NULL;
}

void sp_release_text(char *text) { free(text); }

char *sp_real_path(const char *path) { return realpath(path, NULL); }

int sp_write_all(int descriptor, const void *bytes, size_t count) {
  const char *next = bytes;
  while (count) {
    ssize_t written = write(descriptor, next, count > INT_MAX ? INT_MAX : count);
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    next += written;
    count -= (size_t)written;
  }
  return 0;
}

int sp_read_all(int descriptor, size_t limit, void **bytes, size_t *count) {
  size_t capacity = 1 << 16, used = 0;
  char *memory = malloc(capacity);
  int code = memory ? 0 : ENOMEM;
  while (code == 0) {
    ssize_t got = read(descriptor, memory + used, capacity - used);
    if (got == 0) {
      *bytes = memory;
      *count = used;
      return 0;
    }
    if (got < 0) {
      if (errno != EINTR) code = errno;
      continue;
    }
    used += (size_t)got;
    if (used > limit) code = EFBIG;
    if (code == 0 && used == capacity) {
      char *larger = capacity > SIZE_MAX / 2 ? NULL : realloc(memory, capacity * 2);
      if (larger) {
        memory = larger;
        capacity *= 2;
      } else {
        code = ENOMEM;
      }
    }
  }
  free(memory);
  return code;
}

ptrdiff_t sp_read_full(int descriptor, void *bytes, size_t count) {
  char *next = bytes;
  size_t left = count;
  while (left) {
    ssize_t got = read(descriptor, next, left > INT_MAX ? INT_MAX : left);
    if (got == 0) break;
    if (got < 0) {
      if (errno == EINTR) continue;
      return -errno;
    }
    next += got;
    left -= (size_t)got;
  }
  return (ptrdiff_t)(count - left);
}

struct sp_file {
  int fd;
  char *path;
  char *temporary;
};

static void release_file(sp_file *file) {
  if (file->fd >= 0) close(file->fd);
  free(file->path);
  free(file->temporary);
  free(file);
}

int sp_file_create(const char *path, bool executable, sp_file **out) {
  sp_file *file = calloc(1, sizeof *file);
  if (!file) return ENOMEM;
  file->fd = -1;
  struct stat info;
  if (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
    // A pipe or a terminal, such as /dev/stdout, is written to: it must not be replaced by a file.
    file->fd = open(path, O_WRONLY | O_CLOEXEC);
    int code = file->fd < 0 ? errno : 0;
    if (code) release_file(file);
    if (!code) *out = file;
    return code;
  }
  file->path = strdup(path);
  file->temporary = malloc(strlen(path) + 8);
  if (!file->path || !file->temporary) {
    release_file(file);
    return ENOMEM;
  }
  sprintf(file->temporary, "%s.XXXXXX", path);
  file->fd = mkostemp(file->temporary, O_CLOEXEC);
  if (file->fd < 0) {
    int code = errno;
    release_file(file);
    return code;
  }
  mode_t mask = umask(0);
  umask(mask);
  fchmod(file->fd, (executable ? 0777 : 0666) & ~mask);
  *out = file;
  return 0;
}

int sp_file_write(sp_file *file, const void *bytes, size_t count) {
  return sp_write_all(file->fd, bytes, count);
}

int sp_file_commit(sp_file *file) {
  int code = 0;
  if (file->temporary) {
    code = fsync(file->fd) == 0 && rename(file->temporary, file->path) == 0 ? 0 : errno;
    if (code) unlink(file->temporary);
  }
  release_file(file);
  return code;
}

void sp_file_discard(sp_file *file) {
  if (file->temporary) unlink(file->temporary);
  release_file(file);
}

uint64_t sp_peak_memory(void) {
  FILE *status = fopen("/proc/self/status", "re");
  if (!status) {
    // Second best: this figure survives exec, so it may count the parent's memory.
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
  }
  static const char key[] = "VmHWM:";
  char line[256];
  uint64_t kilobytes = 0;
  while (fgets(line, sizeof line, status)) {
    if (strncmp(line, key, sizeof key - 1) == 0) {
      kilobytes = strtoull(line + sizeof key - 1, NULL, 10);
      break;
    }
  }
  fclose(status);
  return kilobytes * 1024;
}

#if defined(__x86_64__)
// A core's first-level data cache as CPUID describes it (Intel's leaf 4, AMD's 0x8000001d: both have the same form);
// 0 where it does not. The C library may not say: musl has no name for it.
static ptrdiff_t l1_data_bytes_by_cpuid(unsigned leaf) {
  unsigned a, b, c, d;
  for (unsigned i = 0; i < 16 && __get_cpuid_count(leaf, i, &a, &b, &c, &d); i++) {
    unsigned type = a & 31, level = a >> 5 & 7;
    if (type == 0) return 0;
    bool holds_data = type == 1 || type == 3;
    if (level != 1 || !holds_data) continue;
    return ((ptrdiff_t)(b >> 22) + 1) * ((b >> 12 & 1023) + 1) * ((b & 4095) + 1) * ((ptrdiff_t)c + 1);
  }
  return 0;
}
#endif

ptrdiff_t sp_l1_data_bytes(void) {
  ptrdiff_t size = 0;
#if defined(__x86_64__)
  size = l1_data_bytes_by_cpuid(4);
  if (size <= 0) size = l1_data_bytes_by_cpuid(0x8000001d);
#endif
#ifdef _SC_LEVEL1_DCACHE_SIZE
  if (size <= 0) size = sysconf(_SC_LEVEL1_DCACHE_SIZE);
#endif
  return size > 0 ? size : 32 << 10;
}

int sp_cpu_count(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

struct sp_thread {
  pthread_t handle;
  void (*body)(void *);
  void *context;
};

static void *thread_entry(void *argument) {
  sp_thread *thread = argument;
  thread->body(thread->context);
  return NULL;
}

sp_thread *sp_thread_start(void (*body)(void *), void *context) {
  sp_thread *thread = malloc(sizeof *thread);
  if (!thread) return NULL;
  thread->body = body;
  thread->context = context;
  if (pthread_create(&thread->handle, NULL, thread_entry, thread) != 0) {
    free(thread);
    return NULL;
  }
  return thread;
}

void sp_thread_join(sp_thread *thread) {
  pthread_join(thread->handle, NULL);
  free(thread);
}

void sp_atomic_wait(sp_atomic *a, int32_t expected) {
  syscall(SYS_futex, &a->value, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

void sp_atomic_wake_all(sp_atomic *a) {
  syscall(SYS_futex, &a->value, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

// 0: free, 1: held, 2: held and someone sleeps.
void sp_lock(sp_atomic *a) {
  int32_t seen = 0;
  if (__atomic_compare_exchange_n(&a->value, &seen, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
  while (__atomic_exchange_n(&a->value, 2, __ATOMIC_ACQUIRE) != 0) sp_atomic_wait(a, 2);
}

void sp_unlock(sp_atomic *a) {
  if (__atomic_exchange_n(&a->value, 0, __ATOMIC_RELEASE) == 2) sp_atomic_wake_all(a);
}

#endif
