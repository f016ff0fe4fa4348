/*
 * Tensors and the differentiable operations on them.
 *
 * A tensor has a logical shape, row-major (images are N, C, H, W), and elements of one type. How it lies in
 * memory is nobody's business but the engine's: scion_data() gives plain row-major data to whoever asks.
 *
 * Whatever an operation makes belongs to the tape that is current on the calling thread (scion/tape.h) and
 * goes with it; nobody frees a tensor. While a strategy's, a loss's or a module's callback runs, the engine
 * has made a tape current.
 *
 * Every operation given NULL returns NULL and keeps the first message, so a long formula needs one check, at
 * its end. Operations that combine two float tensors broadcast as NumPy does: shapes are aligned at their
 * last axis, and an axis of length 1 stretches.
 *
 * An axis counts from 0; negative ones from the end: -1 is the last.
 */
#ifndef SCION_TENSOR_H
#define SCION_TENSOR_H

#include <scion/api.h>

SCION_BEGIN

#define SCION_MAX_DIMS 6

enum scion_dtype {
        SCION_F32,  /* float; what operations take unless they say otherwise */
        SCION_BF16, /* bfloat16, the upper half of a float; scion_cast() converts */
        SCION_I32,  /* int32_t: labels and indices, never differentiated */
        SCION_U8,   /* uint8_t: pixels, masks */
        SCION_DTYPES
};

struct scion_shape {
        int ndim; /* 0 for a scalar */
        int64_t dim[SCION_MAX_DIMS];
};

/* SCION_SHAPE(64, 1, 28, 28) is a struct scion_shape; SCION_SCALAR is that of a scalar. */
#define SCION_SHAPE(...)                                                                            \
        ((struct scion_shape){ .ndim = (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), \
                               .dim = { __VA_ARGS__ } })
#define SCION_SCALAR ((struct scion_shape){ .ndim = 0 })

struct scion_tensor;

/* --- Looking at a tensor -------------------------------------------------------------------------------- */

/* A scalar's for NULL. */
SCION_API struct scion_shape scion_shape(const struct scion_tensor *x);
/* SCION_F32 for NULL. */
SCION_API enum scion_dtype scion_dtype(const struct scion_tensor *x);

/* The length of an axis, from the last one when it is negative: -1; 0 when there is no such axis. */
SCION_API int64_t scion_dim(const struct scion_tensor *x, int axis);

/* The number of elements: 1 for a scalar, 0 for NULL. */
SCION_API int64_t scion_size(const struct scion_tensor *x);
SCION_API int64_t scion_shape_size(const struct scion_shape *shape);
SCION_API bool scion_shape_equal(const struct scion_shape *a, const struct scion_shape *b);

/* Writes "64x1x28x28" ("scalar" for no axes), cut to fit. Returns `text`. */
SCION_API const char *scion_shape_text(const struct scion_shape *shape, char *text, size_t bytes);

/* The elements, row-major; valid as long as the tensor. NULL, with a message, for a tensor of the other type. */
SCION_API const float *scion_data(struct scion_tensor *x);
SCION_API const int32_t *scion_data_i32(struct scion_tensor *x);

/* The only element of a float tensor of size 1; NaN for any other, or for NULL. */
SCION_API float scion_item(struct scion_tensor *x);

/* --- Making tensors (no gradient flows into them unless scion_require_grad says so)
 * -------------------------- */

/* Floats, on the current tape: they go with its step. NULL, with a message, without a tape or memory, and for a shape that
 * no tensor can have. */
SCION_API struct scion_tensor *scion_zeros(struct scion_shape shape);
SCION_API struct scion_tensor *scion_full(struct scion_shape shape, float value);
SCION_API struct scion_tensor *scion_scalar(float value);

/* Copies `values`: as many as the shape says, row-major. */
SCION_API struct scion_tensor *scion_from(struct scion_shape shape, const float *values);
SCION_API struct scion_tensor *scion_from_i32(struct scion_shape shape, const int32_t *values);

/* Labels [N] to one row each: [N, classes], 1 at the label and 0 elsewhere. Labels must be in 0 .. classes-1. */
SCION_API struct scion_tensor *scion_one_hot(struct scion_tensor *labels, int64_t classes);

/* --- Element by element
 * ---------------------------------------------------------------------------------------- */

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

/* Huber's function: x^2 / 2 where |x| < delta, delta (|x| - delta/2) elsewhere; delta is positive. */
SCION_API struct scion_tensor *scion_huber(struct scion_tensor *x, float delta);

/* In training: each element 0 with probability p, otherwise x / (1 - p). In evaluation, or with p = 0: x
 * itself. */
SCION_API struct scion_tensor *scion_dropout(struct scion_tensor *x, float p);

/* x with no gradient flowing back through it. */
SCION_API struct scion_tensor *scion_detach(struct scion_tensor *x);

/* x, whose gradient is that of the result times -factor. Ganin et al. JMLR 2016, arXiv:1505.07818. */
SCION_API struct scion_tensor *scion_reverse_gradient(struct scion_tensor *x, float factor);

/* --- Over axes
 * --------------------------------------------------------------------------------------------------- */

/* A set of axes: SCION_AXIS(0) | SCION_AXIS(-1), or SCION_ALL_AXES. */
#define SCION_AXIS(axis) (1u << ((unsigned)(axis)&31u))
#define SCION_ALL_AXES (~0u)

/* The axes named become length 1 with `keep`, and are dropped without. */
SCION_API struct scion_tensor *scion_sum(struct scion_tensor *x, unsigned axes, bool keep);
SCION_API struct scion_tensor *scion_mean(struct scion_tensor *x, unsigned axes, bool keep);
/* The gradient goes to the first of equal maxima (row-major order). */
SCION_API struct scion_tensor *scion_max(struct scion_tensor *x, unsigned axes, bool keep);

SCION_API struct scion_tensor *scion_softmax(struct scion_tensor *x, int axis);     /* e^x / sum e^x */
SCION_API struct scion_tensor *scion_log_softmax(struct scion_tensor *x, int axis); /* x - ln sum e^x */
/* ln sum e^x, which drops the axis and does not overflow; where all x are -infinity, not a number. */
SCION_API struct scion_tensor *scion_logsumexp(struct scion_tensor *x, int axis);

/* |x|, the Euclidean norm over the axes; the gradient of a vector of zeros, which has no direction, is 0. */
SCION_API struct scion_tensor *scion_norm(struct scion_tensor *x, unsigned axes, bool keep);

/* x / max(|x|, eps), with the Euclidean norm over the axes named; eps is positive. The gradient of a vector of
 * zeros, which has no direction, is 0. */
SCION_API struct scion_tensor *scion_normalize(struct scion_tensor *x, unsigned axes, float eps);

/* x [N, C] and labels [N]: x[n, labels[n]] as [N]. Labels must be in 0 .. C-1. */
SCION_API struct scion_tensor *scion_pick(struct scion_tensor *x, struct scion_tensor *labels);

/*
 * Between the rows of a [N, D] and those of b [M, D], as [N, M]: |a_n - b_m|^2, and its root, whose gradient is 0
 * where the distance is. By differences, so that near rows lose no digits. a and b may be one tensor.
 */
SCION_API struct scion_tensor *scion_pairwise_squared_distance(struct scion_tensor *a,
                                                               struct scion_tensor *b);
SCION_API struct scion_tensor *scion_pairwise_distance(struct scion_tensor *a, struct scion_tensor *b);

/* --- Shape
 * -------------------------------------------------------------------------------------------------------- */

/* The same elements, row-major, in another shape. One length may be -1: what remains. */
SCION_API struct scion_tensor *scion_reshape(struct scion_tensor *x, struct scion_shape shape);
/* Joins the axes from `first` on into one: flatten(N,C,H,W from 1) is N,C*H*W. */
SCION_API struct scion_tensor *scion_flatten(struct scion_tensor *x, int first);
/* Axis i of the result is axis order[i] of x; `order` has as many entries as x has axes. */
SCION_API struct scion_tensor *scion_permute(struct scion_tensor *x, const int *order);
/* Two axes exchanged. */
SCION_API struct scion_tensor *scion_transpose(struct scion_tensor *x, int axis_a, int axis_b);
/* Elements start .. start+length-1 of one axis. */
SCION_API struct scion_tensor *scion_slice(struct scion_tensor *x, int axis, int64_t start, int64_t length);
/* Joined along an axis, in order; the other axes must agree. `count` is at least 1. */
SCION_API struct scion_tensor *scion_concat(struct scion_tensor *const *x, int count, int axis);

/* --- Layers' arithmetic
 * -------------------------------------------------------------------------------------------- */

/*
 * op(a) op(b), where op transposes the last two axes when asked: [..., M, K] [..., K, N] -> [..., M, N]. Axes
 * before the last two broadcast. Both have at least two axes.
 */
SCION_API struct scion_tensor *scion_matmul(struct scion_tensor *a, struct scion_tensor *b, bool transpose_a,
                                            bool transpose_b);

/* x [..., I], weight [O, I], bias [O] or NULL: x weight^T + bias, [..., O]. */
SCION_API struct scion_tensor *scion_linear(struct scion_tensor *x, struct scion_tensor *weight,
                                            struct scion_tensor *bias);

/* How a window moves over an image, as {height, width}. A zero stride or dilation means 1, zero groups
 * mean 1. */
struct scion_window {
        int kernel[2];  /* of a pooling; a convolution takes it from its weight */
        int stride[2];  /* a pooling's zero stride means its kernel */
        int padding[2]; /* rows and columns of zeros added on both sides (of a maximum: never chosen) */
        int dilation[2];
        int groups;           /* of a convolution */
        bool exclude_padding; /* of an average: count real elements only; PyTorch's count_include_pad=False */
};

/*
 * Cross-correlation: x [N, C, H, W], weight [O, C/groups, kh, kw], bias [O] or NULL -> [N, O, H', W'] with
 * H' = floor((H + 2 padding - dilation (kh - 1) - 1) / stride) + 1.
 */
SCION_API struct scion_tensor *scion_conv2d(struct scion_tensor *x, struct scion_tensor *weight,
                                            struct scion_tensor *bias, const struct scion_window *window);

/* x [N, C, H, W] -> [N, C, H', W']. Padding is at most half the kernel. Pooling takes no dilation. */
SCION_API struct scion_tensor *scion_max_pool2d(struct scion_tensor *x, const struct scion_window *window);
SCION_API struct scion_tensor *scion_avg_pool2d(struct scion_tensor *x, const struct scion_window *window);

/* x [N, C, H, W] -> [N, C, height, width], any size: row i of the result averages the rows from
 * floor(i H / height) to ceil((i + 1) H / height) - 1; columns alike. As PyTorch's. */
SCION_API struct scion_tensor *scion_adaptive_avg_pool2d(struct scion_tensor *x, int64_t height,
                                                         int64_t width);

/*
 * (x - mean) / sqrt(variance + eps) * weight + bias in each channel of x [N, C, ...]; weight and bias [C] may be
 * NULL: 1 and 0. With `training`, mean and (biased) variance are the batch's, and the running ones [C], unless
 * both are NULL, move: new = (1 - momentum) old + momentum batch's, of the unbiased variance. Otherwise they are
 * the running ones, which stay. Gradients flow to x, weight and bias. Training takes more than one value per
 * channel. Ioffe, Szegedy. ICML 2015, arXiv:1502.03167; PyTorch's definition.
 */
SCION_API struct scion_tensor *scion_batch_norm(struct scion_tensor *x, struct scion_tensor *weight,
                                                struct scion_tensor *bias, struct scion_tensor *running_mean,
                                                struct scion_tensor *running_var, bool training,
                                                float momentum, float eps);

SCION_END

#endif
