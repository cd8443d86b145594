#include "CLapack.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

// The Fortran interfaces. They are column-major: what is a row-major matrix here is its transpose
// there, and a lower triangle here is an upper one there.
static void (*dsyrk_)(const char *uplo, const char *trans, const int *n, const int *k,
                      const double *alpha, const double *a, const int *lda, const double *beta,
                      double *c, const int *ldc);
static void (*dgemm_)(const char *transa, const char *transb, const int *m, const int *n,
                      const int *k, const double *alpha, const double *a, const int *lda,
                      const double *b, const int *ldb, const double *beta, double *c,
                      const int *ldc);
static void (*dpotrf_)(const char *uplo, const int *n, double *a, const int *lda, int *info);
static void (*dpotri_)(const char *uplo, const int *n, double *a, const int *lda, int *info);
static void (*dpotrs_)(const char *uplo, const int *n, const int *count, const double *a,
                       const int *lda, double *b, const int *ldb, int *info);

static const double one = 1;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *failure;
// Held through each call where the library is not made for calls from several threads.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int is_locked;

static void enter(void) {
  if (is_locked) pthread_mutex_lock(&lock);
}

static void leave(void) {
  if (is_locked) pthread_mutex_unlock(&lock);
}

// OpenBLAS chooses its kernels by a list of processors, and takes those of 2004 for one that is newer
// than the list. What the processor can do says more.
static void name_kernels(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const char *kernels = NULL;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
    kernels = "SkylakeX";
  } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    kernels = "Haswell";
  }
  if (kernels) setenv("OPENBLAS_CORETYPE", kernels, 0);
#endif
}

static int find(void *library, const char *name, void *function) {
  void *address = dlsym(library, name);
  *(void **)function = address;
  return address != NULL;
}

static void load(void) {
  name_kernels();
  void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  // Any other LAPACK brings its BLAS along.
  if (!library) library = dlopen("liblapack.so.3", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    failure = "neither libopenblas.so.0 nor liblapack.so.3 is there";
  } else if (!find(library, "dsyrk_", &dsyrk_) || !find(library, "dgemm_", &dgemm_) ||
             !find(library, "dpotrf_", &dpotrf_) || !find(library, "dpotri_", &dpotri_) ||
             !find(library, "dpotrs_", &dpotrs_)) {
    failure = "the system's LAPACK lacks a function";
  } else {
    // Builds with threads of their own have it: callers share work out themselves.
    void (*set_threads)(int count);
    if (find(library, "openblas_set_num_threads", &set_threads)) set_threads(1);
    // Builds without threads (0) or of OpenMP (2) share buffers between calls without locking them.
    int (*parallel)(void);
    is_locked = find(library, "openblas_get_parallel", &parallel) && parallel() != 1;
  }
}

const char *cl_load(void) {
  pthread_once(&once, load);
  return failure;
}

void cl_add_gram(int n, int k, const double *x, int ldx, double *c) {
  enter();
  dsyrk_("U", "T", &n, &k, &one, x, &ldx, &one, c, &n);
  leave();
}

void cl_add_product_transposed(int m, int n, int k, const double *a, int lda, const double *b,
                               int ldb, double *c, int ldc) {
  enter();
  dgemm_("T", "N", &n, &m, &k, &one, b, &ldb, a, &lda, &one, c, &ldc);
  leave();
}

void cl_add_product(int m, int n, int k, double alpha, const double *a, int lda, const double *b,
                    int ldb, double *c, int ldc) {
  enter();
  dgemm_("N", "N", &n, &m, &k, &alpha, b, &ldb, a, &lda, &one, c, &ldc);
  leave();
}

int cl_cholesky(int n, double *a) {
  int info = 0;
  enter();
  dpotrf_("U", &n, a, &n, &info);
  leave();
  return info;
}

int cl_cholesky_inverse(int n, double *l) {
  int info = 0;
  enter();
  dpotri_("U", &n, l, &n, &info);
  leave();
  return info;
}

int cl_cholesky_solve(int n, int count, const double *l, double *b) {
  int info = 0;
  enter();
  dpotrs_("U", &n, &count, l, &n, b, &n, &info);
  leave();
  return info;
}
