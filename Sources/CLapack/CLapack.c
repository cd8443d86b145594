#include "CLapack.h"

// The Fortran interfaces. They are column-major: what is a row-major matrix here is its transpose
// there, and a lower triangle here is an upper one there.
extern void dsyrk_(const char *uplo, const char *trans, const int *n, const int *k,
                   const double *alpha, const double *a, const int *lda, const double *beta,
                   double *c, const int *ldc);
extern void dgemm_(const char *transa, const char *transb, const int *m, const int *n,
                   const int *k, const double *alpha, const double *a, const int *lda,
                   const double *b, const int *ldb, const double *beta, double *c,
                   const int *ldc);
extern void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
extern void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info);
extern void dpotrs_(const char *uplo, const int *n, const int *count, const double *a,
                    const int *lda, double *b, const int *ldb, int *info);

// Only in builds of OpenBLAS with threads of its own: callers share work out themselves.
extern void openblas_set_num_threads(int count) __attribute__((weak));

static const double one = 1;

__attribute__((constructor)) static void use_one_thread(void) {
  if (openblas_set_num_threads) openblas_set_num_threads(1);
}

void cl_add_gram(int n, int k, const double *x, int ldx, double *c) {
  dsyrk_("U", "T", &n, &k, &one, x, &ldx, &one, c, &n);
}

void cl_add_product_transposed(int m, int n, int k, const double *a, int lda, const double *b,
                               int ldb, double *c, int ldc) {
  dgemm_("T", "N", &n, &m, &k, &one, b, &ldb, a, &lda, &one, c, &ldc);
}

void cl_add_product(int m, int n, int k, double alpha, const double *a, int lda, const double *b,
                    int ldb, double *c, int ldc) {
  dgemm_("N", "N", &n, &m, &k, &alpha, b, &ldb, a, &lda, &one, c, &ldc);
}

int cl_cholesky(int n, double *a) {
  int info = 0;
  dpotrf_("U", &n, a, &n, &info);
  return info;
}

int cl_cholesky_inverse(int n, double *l) {
  int info = 0;
  dpotri_("U", &n, l, &n, &info);
  return info;
}

int cl_cholesky_solve(int n, int count, const double *l, double *b) {
  int info = 0;
  dpotrs_("U", &n, &count, l, &n, b, &n, &info);
  return info;
}
