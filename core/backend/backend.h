/*
 * Kernels: the only place that knows oneDNN. Primitives are made once per shape, kept until the process ends,
 * and may be used from any thread that owns its tape. No function here records anything: gradients are the
 * operations' business (core/tensor).
 */
#ifndef SCION_BACKEND_BACKEND_H
#define SCION_BACKEND_BACKEND_H

#include "tensor/tensor.h"

/* How many threads kernels use from now on. */
void scion_backend_set_threads(int threads);

/* Elements, padding included, that a tensor of this shape takes in this layout (NULL: row-major). */
size_t scion_layout_length(const struct scion_layout *layout, const struct scion_shape *shape);

/* Copies elements into another layout of the same shape. Both tensors have their memory. */
bool scion_backend_reorder(const struct scion_tensor *from, struct scion_tensor *to);

/* C [m x n] = op(A) op(B) + beta C, row-major floats with leading dimensions, as BLAS has it. */
bool scion_backend_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a,
                        int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

#endif
