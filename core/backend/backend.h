/*
 * Kernels: the only place that knows oneDNN. A kernel is made once for an operation, its shapes and layouts,
 * and kept until its thread ends. No function here records anything: gradients are the operations' business
 * (core/tensor).
 */
#ifndef SCION_BACKEND_BACKEND_H
#define SCION_BACKEND_BACKEND_H

#include <scion/error.h>
#include <scion/tensor.h>

#include "base/text.h"

/* How many threads kernels use from now on, whichever thread runs them; 1 until said otherwise. */
void scion_backend_set_threads(int threads);

/*
 * Whether convolutions of 3x3 go by Winograd's algorithm where it is faster; yes until said otherwise. It rounds a
 * little more than the direct one: by some 1e-6 of the results' size against 2e-7.
 */
void scion_backend_set_winograd(bool winograd);

/*
 * Whether convolutions and fully connected layers multiply numbers rounded to bfloat16, and add the products up in
 * float; no until said otherwise. Tensors are of floats all the same: kernels are given rounded copies. Convolutions
 * by Winograd's algorithm, where it is faster still, and those of images in groups stay in float.
 * Returns what was so before.
 */
bool scion_backend_set_bf16(bool bf16);
bool scion_backend_bf16(void);

/* Has the processor instructions for that? */
bool scion_backend_has_bf16(void);

/* What the calling thread's kernels have asked of the system so far, of which a steady step changes nothing; and what
 * they have done. */
struct scion_backend_usage {
        size_t kernels;    /* made */
        size_t scratch;    /* bytes of working memory, which all kernels of the thread share */
        double operations; /* floating-point, of convolutions and products of matrices by their definition */
};

struct scion_backend_usage scion_backend_usage(void);

/* What kernels are chosen by, apart from the processor itself: limits that the environment sets. */
void scion_backend_describe(struct scion_text *text);

/* A memory layout other than plain row-major; made and understood by the kernels alone. Two tensors of the same shape
 * lie alike when their layout pointers are equal. */
struct scion_layout;

/* --- Layouts -------------------------------------------------------------------------------------------- */

/* Elements, padding included, that a tensor of this shape takes in this layout (NULL: row-major). */
size_t scion_layout_length(const struct scion_layout *layout, const struct scion_shape *shape);

/* As oneDNN names it: "aBcd8b" has the axes a, b, c, d in this order, b being cut into blocks of 8, which come last;
 * "row-major" for NULL. Cut to fit. Returns `text`. */
const char *scion_layout_text(const struct scion_layout *layout, char *text, size_t bytes);

/* Elements in memory: `length` of them, padding included. */
struct scion_elements {
        const struct scion_layout *layout; /* NULL: row-major */
        size_t length;
        void *data;
};

/* Copies elements into another layout of the same shape. */
bool scion_backend_reorder(const struct scion_elements *from, const struct scion_elements *to);

/* --- Plain matrices ------------------------------------------------------------------------------------- */

/* Products of dense row-major matrices, `batch` of them one after another: C [m x n] = op(A) op(B). */
struct scion_product {
        int64_t batch, m, n, k;
        bool transpose_a, transpose_b; /* A lies as [k x m], B as [n x k] */
        bool accumulate;               /* added to what C holds */
        bool bf16;                     /* A and B are rounded */
};

/* How the factors of such a product lie: row-major, as floats (NULL) or, with scion_backend_set_bf16(), rounded. */
bool scion_backend_factor_layout(const struct scion_shape *shape, const struct scion_layout **layout);

/* `bias` [n] is added to each row of C; NULL for none. `operation` names it in messages; a literal. */
bool scion_backend_multiply(const char *operation, const struct scion_product *product, const void *a,
                            const void *b, const float *bias, float *c);

/* --- Kernels -------------------------------------------------------------------------------------------- */

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
        SCION_SCALE, /* of a normalisation, [C]; so the next three */
        SCION_SHIFT,
        SCION_MEAN,
        SCION_VARIANCE,
        SCION_SCALE_GRAD,
        SCION_SHIFT_GRAD,
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

/* --- Windows over images -------------------------------------------------------------------------------- */

enum scion_pass {
        SCION_FORWARD,
        SCION_BACKWARD_X,      /* the gradient of the input */
        SCION_BACKWARD_WEIGHT, /* of the weight, and of the bias */
};

/* Checked, and all said: no zero stands for a default. */
struct scion_geometry {
        struct scion_shape x, weight, y; /* [N, C, H, W]; [O, C / groups, kh, kw]; [N, O, H', W'] */
        struct scion_window window;
};

/*
 * A convolution. Each pass has the layouts that suit it best. With `bias`, the forward pass adds SCION_BIAS,
 * and the weight's pass writes SCION_BIAS_GRAD. NULL with a message.
 */
struct scion_kernel *scion_backend_conv2d(enum scion_pass pass, const struct scion_geometry *geometry,
                                          bool bias);

enum scion_pooling {
        SCION_MAXIMUM,          /* keeps a workspace; its backward pass needs it */
        SCION_MAXIMUM_NO_GRAD,  /* forward only, without one */
        SCION_AVERAGE,          /* over the whole window, zeros around the image included */
        SCION_AVERAGE_EXCLUDED, /* over the image's elements alone */
};

/* A pooling of x that lies in `layout`; SCION_FORWARD or SCION_BACKWARD_X. NULL with a message. */
struct scion_kernel *scion_backend_pool2d(enum scion_pass pass, enum scion_pooling pooling,
                                          const struct scion_geometry *geometry,
                                          const struct scion_layout *layout);

/* --- Normalisation -------------------------------------------------------------------------------------- */

/* The layout to bring inputs of batch normalisation into that lie in this one: itself, or row-major. */
const struct scion_layout *scion_backend_batch_norm_layout(const struct scion_layout *layout);

/*
 * Batch normalisation of x [N, C, H, W] that lies in `layout`; the result lies as x does. With `own` statistics
 * the forward pass writes SCION_MEAN and SCION_VARIANCE (biased), otherwise it is given them. The backward pass
 * (SCION_BACKWARD_X) is given scale, shift and statistics again, and makes the gradients of x, scale and shift at
 * once. NULL with a message.
 */
struct scion_kernel *scion_backend_batch_norm(enum scion_pass pass, const struct scion_shape *x,
                                              const struct scion_layout *layout, bool own, float eps);

#endif
