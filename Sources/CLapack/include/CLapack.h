#ifndef CLAPACK_H
#define CLAPACK_H

// Float64 linear algebra by the system's BLAS and LAPACK (OpenBLAS), for row-major matrices. Symmetric
// matrices are read from, and written to, their lower triangle. Every call runs on the calling thread
// alone. Calls may come from several threads: where the library is not made for that, they wait for
// each other. It is loaded when it is first asked for, so that programs which never compress with data
// neither need nor load it.

/// Loads the library. NULL, or what went wrong; nothing below may be called then.
const char *cl_load(void);

/// C += X X^T, lower triangle; X is n x k with rows `ldx` apart, C is n x n.
void cl_add_gram(int n, int k, const double *x, int ldx, double *c);

/// C += A B^T; A is m x k, B is n x k, C is m x n with rows `ldc` apart.
void cl_add_product_transposed(int m, int n, int k, const double *a, int lda, const double *b,
                               int ldb, double *c, int ldc);

/// C += alpha A B; A is m x k, B is k x n, C is m x n.
void cl_add_product(int m, int n, int k, double alpha, const double *a, int lda, const double *b,
                    int ldb, double *c, int ldc);

/// A = L L^T in place, L in the lower triangle. Returns 0, or i when the leading minor of order i is
/// not positive definite.
int cl_cholesky(int n, double *a);

/// The lower triangle of A^-1 in the place of the factor L.
int cl_cholesky_inverse(int n, double *l);

/// Solves A x = b for each row of B (count x n) in place, given the factor L of A.
int cl_cholesky_solve(int n, int count, const double *l, double *b);

#endif
