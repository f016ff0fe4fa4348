/*
 * Kernels: the only place that knows oneDNN. A kernel is made once for an operation, its shapes and layouts,
 * and kept until its thread ends. No function here records anything: gradients are the operations' business
 * (core/tensor).
 */
#ifndef SCION_BACKEND_BACKEND_H
#define SCION_BACKEND_BACKEND_H

#include "tensor/tensor.h"

/* How many threads kernels use from now on, whichever thread runs them; 1 until said otherwise. */
void scion_backend_set_threads(int threads);

/* What the calling thread's kernels have asked of the system so far. A steady step changes none of it. */
struct scion_backend_usage {
        size_t kernels; /* made */
        size_t scratch; /* bytes of working memory, which all kernels of the thread share */
};

struct scion_backend_usage scion_backend_usage(void);

/* --- Layouts ----------------------------------------------------------------------------------------------
 */

/* Elements, padding included, that a tensor of this shape takes in this layout (NULL: row-major). */
size_t scion_layout_length(const struct scion_layout *layout, const struct scion_shape *shape);

/* Copies elements into another layout of the same shape. Both tensors have their memory. */
bool scion_backend_reorder(const struct scion_tensor *from, struct scion_tensor *to);

/* --- Plain matrices ---------------------------------------------------------------------------------------
 */

/* C [m x n] = op(A) op(B) + beta C, row-major floats with leading dimensions, as BLAS has it. */
bool scion_backend_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a,
                        int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

/* --- Kernels ----------------------------------------------------------------------------------------------
 */

/* What kernels read and write. A gradient has the shape of what it is the gradient of. */
enum scion_operand {
        SCION_X,
        SCION_WEIGHT,
        SCION_BIAS,
        SCION_Y,
        SCION_X_GRAD,
        SCION_WEIGHT_GRAD,
        SCION_BIAS_GRAD,
        SCION_Y_GRAD,
        SCION_WORKSPACE, /* what a forward kernel leaves for the backward one; see scion_kernel_bytes() */
        SCION_OPERANDS
};

/* Belongs to the thread that asked for it, and is to be asked for again for each use: that is cheap. */
struct scion_kernel;

/* How an operand lies; NULL is row-major. Biases always do. */
const struct scion_layout *scion_kernel_layout(const struct scion_kernel *kernel, enum scion_operand operand);

/* The memory that an operand takes; 0 when the kernel has no such operand. */
size_t scion_kernel_bytes(const struct scion_kernel *kernel, enum scion_operand operand);

/* Runs it on the operands' memory. Those that the kernel does not have are passed over. */
bool scion_kernel_run(struct scion_kernel *kernel, void *const data[SCION_OPERANDS]);

#endif
