// The system calls the runtime needs, in a form that Embedded Swift can import: memory, files, clocks,
// threads and atomics. No policy lives here.
#ifndef SPARROW_CPLATFORM_H
#define SPARROW_CPLATFORM_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Memory, aligned to 64 bytes; NULL when there is none. Counts of 0 give a valid pointer.
void *sp_allocate(size_t count);
void sp_deallocate(void *base);
// Whole pages, aligned to the large ones and made of them where the system has any; NULL when there is no memory.
// Zeroed. `count` is rounded up to sp_large_page.
enum { sp_large_page = 2 << 20 };
void *sp_map_pages(size_t count);
void sp_unmap_pages(void *base, size_t count);
bool sp_equal(const void *a, const void *b, size_t count);

// Maps a whole regular file read-only. 0, an errno, or -1 when it is not a regular file.
int sp_map_file(const char *path, void **base, ptrdiff_t *count);
void sp_unmap_file(void *base, size_t count);
// Lets go of the memory behind the pages of a mapped file's range, and what else they hold; it is read again when it
// is touched.
void sp_release_file_pages(const void *base, size_t count);
// Returns the heap's unused memory to the system, where the C library can.
void sp_trim_heap(void);
const char *sp_error_text(int code);
// The absolute path without links; NULL when there is no such file. To be freed by sp_deallocate.
char *sp_real_path(const char *path);

// Writes beside and renames: sp_file_create opens PATH's temporary neighbour, sp_file_commit syncs and
// renames it over PATH, sp_file_discard removes it. Each returns 0 or an errno.
typedef struct sp_file sp_file;
int sp_file_create(const char *path, bool executable, sp_file **file);
int sp_file_write(sp_file *file, const void *bytes, size_t count);
int sp_file_commit(sp_file *file);
void sp_file_discard(sp_file *file);

// Writes all bytes to a descriptor, or reads it to its end into memory that sp_deallocate frees. Each returns
// 0 or an errno; reading more than `limit` bytes is EFBIG.
int sp_write_all(int descriptor, const void *bytes, size_t count);
int sp_read_all(int descriptor, size_t limit, void **bytes, size_t *count);
// Reads until there are `count` bytes or no more follow: how many there are, or a negated errno.
ptrdiff_t sp_read_full(int descriptor, void *bytes, size_t count);

// A number as printf writes it, by %f (digits after the point) or %g (significant digits); how many bytes of text
// there are, less than capacity.
int sp_format_number(void *text, size_t capacity, bool fixed, int digits, double value);

// Monotonic clock, nanoseconds.
uint64_t sp_clock_ns(void);
// Peak resident set of this process, bytes.
uint64_t sp_peak_memory(void);
// The file that this process was started from; NULL where the system does not say. sp_release_text frees it.
char *sp_executable_path(void);
void sp_release_text(char *text);
// Logical CPUs this process may run on.
int sp_cpu_count(void);
// Size of a core's first-level data cache; 32 KiB where the system does not say.
ptrdiff_t sp_l1_data_bytes(void);

// A thread that runs body(context); joined by sp_thread_join. NULL when it could not be started.
typedef struct sp_thread sp_thread;
sp_thread *sp_thread_start(void (*body)(void *), void *context);
void sp_thread_join(sp_thread *thread);

// A 32-bit atomic with a futex to sleep on, padded to a cache line of its own in 64-byte aligned memory.
typedef struct {
  int32_t value;
  int32_t padding[15];
} sp_atomic;
static inline int32_t sp_atomic_load(const sp_atomic *a) { return __atomic_load_n(&a->value, __ATOMIC_ACQUIRE); }
static inline void sp_atomic_store(sp_atomic *a, int32_t v) { __atomic_store_n(&a->value, v, __ATOMIC_RELEASE); }
// The value before the addition.
static inline int32_t sp_atomic_add(sp_atomic *a, int32_t v) { return __atomic_fetch_add(&a->value, v, __ATOMIC_SEQ_CST); }
// A 64-bit atomic, padded likewise.
typedef struct {
  uint64_t value;
  uint64_t padding[7];
} sp_atomic64;
static inline uint64_t sp_atomic64_load(const sp_atomic64 *a) { return __atomic_load_n(&a->value, __ATOMIC_SEQ_CST); }
static inline void sp_atomic64_add(sp_atomic64 *a, uint64_t v) { __atomic_fetch_add(&a->value, v, __ATOMIC_RELAXED); }
static inline void sp_atomic64_store(sp_atomic64 *a, uint64_t v) { __atomic_store_n(&a->value, v, __ATOMIC_SEQ_CST); }
// Replaces the value where it still is `expected`; whether it was.
static inline bool sp_atomic64_replace(sp_atomic64 *a, uint64_t expected, uint64_t v) {
  return __atomic_compare_exchange_n(&a->value, &expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline void sp_cpu_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
// Sleeps while the value is `expected` (may wake early); wakes everyone who sleeps.
void sp_atomic_wait(sp_atomic *a, int32_t expected);
void sp_atomic_wake_all(sp_atomic *a);

// A lock in an sp_atomic of value 0. Held for moments only.
void sp_lock(sp_atomic *a);
void sp_unlock(sp_atomic *a);

// Double-precision functions of the C library.
static inline double sp_exp(double x) { return __builtin_exp(x); }
static inline double sp_expm1(double x) { return __builtin_expm1(x); }
static inline double sp_log(double x) { return __builtin_log(x); }
static inline double sp_log1p(double x) { return __builtin_log1p(x); }
static inline double sp_tanh(double x) { return __builtin_tanh(x); }
static inline double sp_erf(double x) { return __builtin_erf(x); }
static inline double sp_sin(double x) { return __builtin_sin(x); }
static inline double sp_cos(double x) { return __builtin_cos(x); }
static inline double sp_pow(double x, double y) { return __builtin_pow(x, y); }

// The C library's functions of float64.
static inline double sp_f64_exp(double x) { return exp(x); }
static inline double sp_f64_expm1(double x) { return expm1(x); }
static inline double sp_f64_log(double x) { return log(x); }
static inline double sp_f64_log1p(double x) { return log1p(x); }
static inline double sp_f64_log2(double x) { return log2(x); }
static inline double sp_f64_sin(double x) { return sin(x); }
static inline double sp_f64_cos(double x) { return cos(x); }
static inline double sp_f64_tan(double x) { return tan(x); }
static inline double sp_f64_asin(double x) { return asin(x); }
static inline double sp_f64_acos(double x) { return acos(x); }
static inline double sp_f64_atan(double x) { return atan(x); }
static inline double sp_f64_sinh(double x) { return sinh(x); }
static inline double sp_f64_cosh(double x) { return cosh(x); }
static inline double sp_f64_tanh(double x) { return tanh(x); }
static inline double sp_f64_asinh(double x) { return asinh(x); }
static inline double sp_f64_acosh(double x) { return acosh(x); }
static inline double sp_f64_atanh(double x) { return atanh(x); }
static inline double sp_f64_erf(double x) { return erf(x); }
static inline double sp_f64_cbrt(double x) { return cbrt(x); }
static inline double sp_f64_lgamma(double x) { return lgamma(x); }
static inline double sp_f64_tgamma(double x) { return tgamma(x); }
static inline double sp_f64_pow(double x, double y) { return pow(x, y); }
static inline double sp_f64_atan2(double y, double x) { return atan2(y, x); }
static inline double sp_f64_fmod(double x, double y) { return fmod(x, y); }

#endif
