/* Plain matrix products of any strides. */
#include "backend/kernel.h"

bool scion_backend_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a,
                        int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc)
{
        return scion_kernels_ready() &&
               scion_dnnl_check("gemm", dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k,
                                                   1, a, lda, b, ldb, beta, c, ldc));
}
