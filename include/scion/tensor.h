/*
 * Tensors and the differentiable operations on them.
 *
 * A tensor has a shape (images are [N, C, H, W]) and elements of one type in the memory of the run's device. The
 * engine chooses their order in memory; scion_data() returns them in row-major order.
 *
 * The result of an operation belongs to the current tape of the calling thread (scion/tape.h), which frees it. The
 * engine makes a tape current before it calls a strategy, a loss or a module.
 *
 * An operation that fails returns NULL, with a message. An operation that is given NULL returns NULL and keeps the
 * message, so a formula needs one check, at its end. Operations take float32 tensors unless their comment says
 * otherwise. Operations on two tensors broadcast as in NumPy: shapes are aligned at the last axis, and an axis of
 * length 1 is repeated.
 *
 * Axes count from 0; negative ones count from the end, so -1 is the last.
 */
#ifndef SCION_TENSOR_H
#define SCION_TENSOR_H

#include <scion/api.h>

SCION_BEGIN

#define SCION_MAX_DIMS 6

enum scion_dtype {
        SCION_F32,  /* float32; the type that operations take unless their comment says otherwise */
        SCION_BF16, /* bfloat16, the upper half of a float32; see scion_cast() */
        SCION_I32,  /* int32_t: labels and indices; has no gradient */
        SCION_U8,   /* uint8_t: pixels, masks */
        SCION_DTYPES
};

struct scion_shape {
        int ndim; /* 0 for a scalar */
        int64_t dim[SCION_MAX_DIMS];
};

/* SCION_SHAPE(64, 1, 28, 28) is a struct scion_shape; SCION_SCALAR is the shape of a scalar. */
#define SCION_SHAPE(...)                                                                            \
        ((struct scion_shape){ .ndim = (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), \
                               .dim = { __VA_ARGS__ } })
#define SCION_SCALAR ((struct scion_shape){ .ndim = 0 })

struct scion_tensor;

/* --- Properties and elements ----------------------------------------------------------------------------- */

/* Returns the shape; a scalar's for NULL. */
SCION_API struct scion_shape scion_shape(const struct scion_tensor *x);
/* Returns the type of the elements; SCION_F32 for NULL. */
SCION_API enum scion_dtype scion_dtype(const struct scion_tensor *x);

/* Returns the length of an axis; 0 if there is no such axis. */
SCION_API int64_t scion_dim(const struct scion_tensor *x, int axis);

/* Returns the number of elements: 1 for a scalar, 0 for NULL. */
SCION_API int64_t scion_size(const struct scion_tensor *x);
SCION_API int64_t scion_shape_size(const struct scion_shape *shape);
SCION_API bool scion_shape_equal(const struct scion_shape *a, const struct scion_shape *b);

/* Writes the shape as "64x1x28x28", or "scalar", truncated to `bytes` bytes. Returns `text`. */
SCION_API const char *scion_shape_text(const struct scion_shape *shape, char *text, size_t bytes);

/*
 * Returns the row-major elements; on a device that the host cannot address this is a transfer that waits for the
 * device. Valid as long as the tensor. NULL, with a message, for a tensor of another type.
 */
SCION_API const float *scion_data(struct scion_tensor *x);
SCION_API const int32_t *scion_data_i32(struct scion_tensor *x);

/* Returns the element of a float32 tensor of size 1; NaN for any other tensor and for NULL. Like scion_data(), it may
 * wait for the device; use scion_log_scalar() to log a value in a step. */
SCION_API float scion_item(struct scion_tensor *x);

/* --- Creation: such a tensor gets no gradient unless scion_require_grad() requests one -------------------- */

/* Create a float32 tensor on the current tape: of zeros, of one value, and a scalar. NULL, with a message, if there
 * is no current tape, memory runs out, or the shape is invalid. */
SCION_API struct scion_tensor *scion_zeros(struct scion_shape shape);
SCION_API struct scion_tensor *scion_full(struct scion_shape shape, float value);
SCION_API struct scion_tensor *scion_scalar(float value);

/* Create a tensor from a copy of `values`, row-major, as many as the shape has elements. */
SCION_API struct scion_tensor *scion_from(struct scion_shape shape, const float *values);
SCION_API struct scion_tensor *scion_from_i32(struct scion_shape shape, const int32_t *values);

/* Returns one-hot rows [N, classes] of int32 labels [N], which must be in 0 .. classes-1. */
SCION_API struct scion_tensor *scion_one_hot(struct scion_tensor *labels, int64_t classes);

/* --- Element-wise operations ----------------------------------------------------------------------------- */

SCION_API struct scion_tensor *scion_add(struct scion_tensor *a,
                                         struct scion_tensor *b); /* a + b, broadcast */
SCION_API struct scion_tensor *scion_add_relu(struct scion_tensor *a,
                                              struct scion_tensor *b); /* max(a + b, 0), broadcast */
SCION_API struct scion_tensor *scion_sub(struct scion_tensor *a,
                                         struct scion_tensor *b); /* a - b, broadcast */
SCION_API struct scion_tensor *scion_mul(struct scion_tensor *a,
                                         struct scion_tensor *b); /* a * b, broadcast */
SCION_API struct scion_tensor *scion_div(struct scion_tensor *a,
                                         struct scion_tensor *b); /* a / b, broadcast */

SCION_API struct scion_tensor *scion_neg(struct scion_tensor *x);                 /* -x */
SCION_API struct scion_tensor *scion_scale(struct scion_tensor *x, float factor); /* factor * x */
SCION_API struct scion_tensor *scion_shift(struct scion_tensor *x, float offset); /* x + offset */
SCION_API struct scion_tensor *scion_exp(struct scion_tensor *x);                 /* e^x */
SCION_API struct scion_tensor *scion_log(struct scion_tensor *x);                 /* ln x */
SCION_API struct scion_tensor *scion_sqrt(struct scion_tensor *x);                /* x^(1/2) */
SCION_API struct scion_tensor *scion_pow(struct scion_tensor *x, float exponent); /* x^exponent */
SCION_API struct scion_tensor *scion_abs(struct scion_tensor *x);                 /* |x|; gradient 0 at 0 */
SCION_API struct scion_tensor *scion_relu(struct scion_tensor *x);    /* max(x, 0); gradient 0 at 0 */
SCION_API struct scion_tensor *scion_sigmoid(struct scion_tensor *x); /* 1 / (1 + e^-x) */
SCION_API struct scion_tensor *scion_tanh(struct scion_tensor *x);    /* tanh x */

/* Huber's function: x^2 / 2 where |x| < delta, delta (|x| - delta / 2) elsewhere. delta must be positive. */
SCION_API struct scion_tensor *scion_huber(struct scion_tensor *x, float delta);

/* Dropout. In training mode each element becomes 0 with probability p, else x / (1 - p). In evaluation mode, and for
 * p = 0, returns x itself. p must be in 0 .. 1. */
SCION_API struct scion_tensor *scion_dropout(struct scion_tensor *x, float p);

/* Converts x to SCION_F32 or SCION_BF16, rounding to nearest, ties to even. Gradients are float32 on both sides.
 * NULL, with a message, for integer types. */
SCION_API struct scion_tensor *scion_cast(struct scion_tensor *x, enum scion_dtype dtype);

/* Returns a tensor with the elements of x through which no gradient flows back. */
SCION_API struct scion_tensor *scion_detach(struct scion_tensor *x);

/* Gradient reversal: returns the elements of x; the gradient of x is -factor times the gradient of the result.
 * Ganin et al. JMLR 2016, arXiv:1505.07818. */
SCION_API struct scion_tensor *scion_reverse_gradient(struct scion_tensor *x, float factor);

/* --- Reductions ------------------------------------------------------------------------------------------ */

/* A set of axes: SCION_AXIS(0) | SCION_AXIS(-1), or SCION_ALL_AXES. */
#define SCION_AXIS(axis) (1u << ((unsigned)(axis)&31u))
#define SCION_ALL_AXES (~0u)

/* Sum and mean over the axes. If `keep` is true these axes keep length 1, else they are removed. */
SCION_API struct scion_tensor *scion_sum(struct scion_tensor *x, unsigned axes, bool keep);
SCION_API struct scion_tensor *scion_mean(struct scion_tensor *x, unsigned axes, bool keep);
/* Maximum over the axes. The gradient goes to the first of equal maxima in row-major order. */
SCION_API struct scion_tensor *scion_max(struct scion_tensor *x, unsigned axes, bool keep);

SCION_API struct scion_tensor *scion_softmax(struct scion_tensor *x, int axis);     /* e^x / sum e^x */
SCION_API struct scion_tensor *scion_log_softmax(struct scion_tensor *x, int axis); /* x - ln sum e^x */
/* ln sum e^x over an axis, which is removed. Does not overflow. NaN where all x are -infinity. */
SCION_API struct scion_tensor *scion_logsumexp(struct scion_tensor *x, int axis);

/* The Euclidean norm |x| over the axes; `keep` as in scion_sum(). The gradient at a vector of zeros is 0. */
SCION_API struct scion_tensor *scion_norm(struct scion_tensor *x, unsigned axes, bool keep);

/* x / max(|x|, eps), with the Euclidean norm over the axes. eps must be positive. */
SCION_API struct scion_tensor *scion_normalize(struct scion_tensor *x, unsigned axes, float eps);

/* Returns x[n, labels[n]] as [N], for x [N, C] and int32 labels [N], which must be in 0 .. C-1. */
SCION_API struct scion_tensor *scion_pick(struct scion_tensor *x, struct scion_tensor *labels);

/*
 * Return the squared distances |a_n - b_m|^2, and the distances |a_n - b_m|, of the rows of a [N, D] and b [M, D], as
 * [N, M]. They are computed from differences, which is accurate also for rows that are close to each other. The
 * gradient of a distance of 0 is 0. a and b may be the same tensor.
 */
SCION_API struct scion_tensor *scion_pairwise_squared_distance(struct scion_tensor *a,
                                                               struct scion_tensor *b);
SCION_API struct scion_tensor *scion_pairwise_distance(struct scion_tensor *a, struct scion_tensor *b);

/* --- Shapes ---------------------------------------------------------------------------------------------- */

/* Returns the elements, in row-major order, in another shape of the same size. One length may be -1; it is computed
 * from the others. */
SCION_API struct scion_tensor *scion_reshape(struct scion_tensor *x, struct scion_shape shape);
/* Joins the axes from `first` to the last into one: [N, C, H, W] with first = 1 becomes [N, C H W]. */
SCION_API struct scion_tensor *scion_flatten(struct scion_tensor *x, int first);
/* Permutes the axes: axis i of the result is axis order[i] of x. `order` has as many entries as x has axes. */
SCION_API struct scion_tensor *scion_permute(struct scion_tensor *x, const int *order);
/* Exchanges two axes. */
SCION_API struct scion_tensor *scion_transpose(struct scion_tensor *x, int axis_a, int axis_b);
/* Returns the elements start .. start+length-1 of an axis, which must exist; length must be at least 1. */
SCION_API struct scion_tensor *scion_slice(struct scion_tensor *x, int axis, int64_t start, int64_t length);
/* Concatenates `count` tensors along an axis, in order. Their other axes must be equal. `count` is at least 1. */
SCION_API struct scion_tensor *scion_concat(struct scion_tensor *const *x, int count, int axis);

/* --- Layers ---------------------------------------------------------------------------------------------- */

/*
 * The matrix product op(a) op(b): [..., M, K] [..., K, N] -> [..., M, N]. op transposes the last two axes if
 * `transpose_a` or `transpose_b` is true. The other axes broadcast. Both tensors have at least two axes.
 */
SCION_API struct scion_tensor *scion_matmul(struct scion_tensor *a, struct scion_tensor *b, bool transpose_a,
                                            bool transpose_b);

/* The linear layer x weight^T + bias, [..., O], of x [..., I], weight [O, I], and bias [O] or NULL. */
SCION_API struct scion_tensor *scion_linear(struct scion_tensor *x, struct scion_tensor *weight,
                                            struct scion_tensor *bias);

/* The window of a convolution or pooling; pairs are {height, width}. A stride, dilation or number of groups of 0
 * stands for 1; in pooling, a stride of 0 stands for the kernel's size. */
struct scion_window {
        int kernel[2];  /* of a pooling; a convolution uses the shape of its weight */
        int stride[2];  /* step between two positions of the window */
        int padding[2]; /* rows and columns of zeros on both sides; a maximum ignores them */
        int dilation[2];
        int groups;           /* of a convolution's channels */
        bool exclude_padding; /* an average excludes the padding; PyTorch's count_include_pad=False */
};

/*
 * The convolution (cross-correlation) of x [N, C, H, W] with weight [O, C/groups, kh, kw], plus bias [O] or NULL:
 * [N, O, H', W'] with H' = floor((H + 2 padding - dilation (kh - 1) - 1) / stride) + 1, and W' likewise.
 */
SCION_API struct scion_tensor *scion_conv2d(struct scion_tensor *x, struct scion_tensor *weight,
                                            struct scion_tensor *bias, const struct scion_window *window);

/* Pooling of x [N, C, H, W] to [N, C, H', W']. The padding must be at most half the kernel. Dilation is not
 * supported. */
SCION_API struct scion_tensor *scion_max_pool2d(struct scion_tensor *x, const struct scion_window *window);
SCION_API struct scion_tensor *scion_avg_pool2d(struct scion_tensor *x, const struct scion_window *window);

/* Average pooling of x [N, C, H, W] to [N, C, height, width]: row i of the result averages the rows from
 * floor(i H / height) to ceil((i + 1) H / height) - 1, and columns likewise, as in PyTorch. */
SCION_API struct scion_tensor *scion_adaptive_avg_pool2d(struct scion_tensor *x, int64_t height,
                                                         int64_t width);

/*
 * Batch normalisation: (x - mean) / sqrt(variance + eps) * weight + bias in each channel of x [N, C, ...]. weight and
 * bias are [C]; NULL stands for 1 and 0. With `training`, mean and biased variance are those of the batch, and the
 * running statistics [C], unless both are NULL, are updated: new = (1 - momentum) old + momentum batch, with the
 * unbiased variance; there must be more than one value per channel. Without, mean and variance are the running
 * statistics. Gradients flow into x, weight and bias. Ioffe, Szegedy. ICML 2015, arXiv:1502.03167; as in PyTorch.
 */
SCION_API struct scion_tensor *scion_batch_norm(struct scion_tensor *x, struct scion_tensor *weight,
                                                struct scion_tensor *bias, struct scion_tensor *running_mean,
                                                struct scion_tensor *running_var, bool training,
                                                float momentum, float eps);

SCION_END

#endif
