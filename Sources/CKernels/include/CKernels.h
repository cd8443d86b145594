typedef struct sp_kernel_table { int gemm_mr; } sp_kernel_table;
