/*
 * Back ends: what a device does. A back end is a plugin of the kind `backend`: a table of functions over arrays that
 * lie in the device's memory. `device: NAME` in an experiment file opens the back end NAME; `cpu` is part of libscion
 * (scion_backend_cpu()), others are found as PLUGIN_DIR/backends/NAME.so.
 *
 * What holds for every function of the table:
 *
 * - `self` is the instance of the plugin. All calls come from the run's one thread, one at a time.
 * - Arrays are passed by pointers that are valid during the call. The engine has checked shapes and types before:
 *   arguments fit together. Results are written whole; nothing is read from them unless the comment says so.
 * - Arrays do not overlap unless the comment says so. An array begins at any element of its storage, so its address is
 *   aligned to the element's size and to nothing larger.
 * - Work may be queued: a call may return before the device has done it, as long as later calls see its result, as
 *   on one CUDA stream. Only download() and map() wait for the device. The engine downloads at most once in a steady
 *   training step, after the update.
 * - No function may assume that a storage can be read by the host, except through map(), upload() and download().
 * - A function returns false, or NULL, with a message in scion_error() (scion_fail()), when it cannot do the work.
 *   An error that the device reports later is returned by the next call that waits for it.
 * - The order of every sum depends on the shapes alone, so that the same run gives the same bits.
 *
 * "GPU:" in a comment names the library call or the kind of kernel that would serve the function on a CUDA device.
 * A steady step makes the same calls with the same storages in every step, because a tape gives out its blocks in the
 * same order each time; so the calls between two downloads can be captured as one CUDA graph, whose only changing
 * inputs are what upload() writes (the batch's indices) and the scalars of update() and draw(), which such a back end
 * keeps in device memory.
 */
#ifndef SCION_BACKEND_H
#define SCION_BACKEND_H

#include <scion/losses.h>
#include <scion/optimizer.h>
#include <scion/plugin.h>
#include <scion/random.h>
#include <scion/tensor.h>

SCION_BEGIN

/* --- Memory and arrays ---------------------------------------------------------------------------------- */

/* A block of a device's memory. The engine owns the structure, the back end what `memory` refers to. */
struct scion_storage {
        void *memory; /* set by allocate(); its meaning is the back end's: a host or a device address */
        size_t bytes;
};

/* How elements lie in memory when they are not row-major; made, interpreted and kept by the back end until the process
 * ends. Two arrays of the same shape and type lie alike when their layout pointers are equal. */
struct scion_layout;

/* Elements in a storage. The fields are a macro so that the engine's tensors have them as their own. */
#define SCION_ARRAY_FIELDS                                                                                   \
        struct scion_storage *storage;                                                                       \
        size_t offset;                     /* of the first element from the storage's beginning, in bytes */ \
        struct scion_shape shape;          /* logical */                                                     \
        enum scion_dtype dtype;            /* of the elements in memory */                                   \
        const struct scion_layout *layout; /* NULL: row-major */                                             \
        size_t length; /* elements in memory; more than the shape has when the layout has padding, which is 0 */

struct scion_array {
        SCION_ARRAY_FIELDS
};

/* The engine's settings of a run. */
struct scion_device_settings {
        int threads;   /* of the processor that kernels may use; at least 1 */
        bool bf16;     /* convolutions and products of matrices round their factors to bfloat16 */
        bool winograd; /* 3x3 convolutions may use Winograd's algorithm, which rounds a little more */
};

/* What a device has used so far; a steady step changes neither of the first two. */
struct scion_device_usage {
        size_t kernels;    /* made */
        size_t scratch;    /* bytes of working memory that kernels share */
        double operations; /* floating-point operations of convolutions and products, by their definition */
};

/* --- Element by element --------------------------------------------------------------------------------- */

/* y from x and the parameter p, element by element; in brackets the gradient dx from g and from x or y, and which of
 * the two (`kept`) the function unary_gradient() is given. */
enum scion_unary {
        SCION_UNARY_NEG,       /* -x (-g) */
        SCION_UNARY_SCALE,     /* p x (p g) */
        SCION_UNARY_SHIFT,     /* x + p (g) */
        SCION_UNARY_EXP,       /* e^x (g y; y) */
        SCION_UNARY_LOG,       /* ln x (g / x; x) */
        SCION_UNARY_SQRT,      /* x^(1/2) (g / (2 y); y) */
        SCION_UNARY_SQUARE,    /* x^2 (2 g x; x) */
        SCION_UNARY_POW,       /* x^p (g p x^(p - 1), 0 for p = 0; x) */
        SCION_UNARY_ABS,       /* |x| (g sign x, 0 at 0, NaN at NaN; x) */
        SCION_UNARY_RELU,      /* max(x, 0), NaN at NaN (g where y > 0, else 0; y) */
        SCION_UNARY_SIGMOID,   /* 1 / (1 + e^-x) (g y (1 - y); y) */
        SCION_UNARY_TANH,      /* tanh x (g (1 - y^2); y) */
        SCION_UNARY_HUBER,     /* x^2 / 2 where |x| < p, else p (|x| - p / 2) (g x, or g p sign x; x) */
        SCION_UNARY_REVERSE,   /* x (-p g) */
        SCION_UNARY_CLAMP_MIN, /* max(x, p), NaN at NaN (0 where x < p, else g; x) */
        SCION_UNARIES
};

/* y from a and b, which broadcast to y's shape. */
enum scion_binary {
        SCION_BINARY_ADD,
        SCION_BINARY_SUB,
        SCION_BINARY_MUL,
        SCION_BINARY_DIV,
        SCION_BINARY_ADD_RELU, /* max(a + b, 0), NaN at NaN */
        SCION_BINARIES
};

/* One side of a strided copy: element i of an axis is `stride` elements after element i - 1. */
struct scion_strided {
        const struct scion_array *array; /* row-major */
        int64_t first;                   /* element at which the copy begins */
        int64_t stride[SCION_MAX_DIMS];
};

/* --- Products of matrices ------------------------------------------------------------------------------- */

/* `batch` products of dense row-major matrices, one after another: C [m, n] = op(A) op(B). */
struct scion_product {
        int64_t batch, m, n, k;
        bool transpose_a, transpose_b; /* A lies as [k, m], B as [n, k] */
        bool accumulate;               /* added to what C holds */
};

/* --- Kernels: convolution, pooling, batch normalisation ---------------------------------------------------- */

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
        SCION_WORKSPACE, /* what a forward kernel leaves for the backward one; see kernel_bytes() */
        SCION_OPERANDS
};

/* A prepared computation for fixed shapes and layouts. The back end keeps it; the engine asks for it anew before each
 * use, which is cheap. */
struct scion_kernel;

enum scion_pass {
        SCION_FORWARD,
        SCION_BACKWARD_X,      /* the gradient of the input */
        SCION_BACKWARD_WEIGHT, /* of the weight, and of the bias */
};

/* A window over images; every field is set, no 0 stands for a default. */
struct scion_geometry {
        struct scion_shape x, weight, y; /* [N, C, H, W]; [O, C / groups, kh, kw]; [N, O, H', W'] */
        struct scion_window window;
};

enum scion_pooling {
        SCION_MAXIMUM,          /* keeps a workspace, which the backward pass needs */
        SCION_MAXIMUM_NO_GRAD,  /* forward only, without one */
        SCION_AVERAGE,          /* over the whole window, zeros around the image included */
        SCION_AVERAGE_EXCLUDED, /* over the image's elements alone */
};

/* --- Losses --------------------------------------------------------------------------------------------- */

/* One of the three sets of pairs of scion_mmd(): the estimate is the sum over the sets of weight (sum k(d) - left_out). */
struct scion_mmd_pairs {
        const struct scion_array *distance; /* squared distances; [N, N] or [N, M] or [N] */
        struct scion_array *slope;          /* gets weight dk/dd; NULL: not wanted */
        double weight;
        double left_out; /* pairs of an example with itself, whose k is 1, that do not count */
        bool itself;     /* the diagonal is pairs of an example with itself, and the rest is symmetric */
};

/* --- Optimizers ----------------------------------------------------------------------------------------- */

/* Where the arrays of a span lie. */
struct scion_span_arrays {
        struct scion_array value, gradient, state[SCION_MAX_STATES];
};

/* --- The table ------------------------------------------------------------------------------------------ */

struct scion_backend_plugin {
        SCION_PLUGIN_FIELDS

        /* --- Memory --- */

        /* Sets storage->memory to a new block of storage->bytes bytes, undefined, aligned to 64 bytes. GPU: from a pool
         * of cudaMalloc(), as blocks are kept for the whole run. */
        bool (*allocate)(void *self, struct scion_storage *storage);
        void (*release)(void *self, struct scion_storage *storage);
        /* The address at which the host may read and write the storage directly, after all work queued so far is done;
         * NULL when it may not. NULL in the table is the same as returning NULL. */
        void *(*map)(void *self, struct scion_storage *storage);
        /* Copies from and to the host, `bytes` bytes at `offset`. upload() may return once `data` may be reused.
         * GPU: cudaMemcpyAsync() from a pinned buffer; cudaMemcpyAsync() and cudaStreamSynchronize(). */
        bool (*upload)(void *self, struct scion_storage *storage, size_t offset, const void *data,
                       size_t bytes);
        bool (*download)(void *self, struct scion_storage *storage, size_t offset, void *data, size_t bytes);

        /* --- Moving elements --- */

        /* Sets all elements, padding excluded, of a row-major array. GPU: cudaMemsetAsync() for 0, else a kernel. */
        bool (*fill)(void *self, struct scion_array *y, double value);
        /* Copies x to y, which has the same shape and maybe another layout or type; float32 to bfloat16 rounds to
         * nearest even. GPU: cudnnTransformTensor() or a kernel. */
        bool (*reorder)(void *self, const struct scion_array *x, struct scion_array *y);
        /* Copies elements of any type, `shape` of them, between arrays that are strided differently; with `add`, adds
         * float32 ones to the destination. GPU: one thread per element. */
        bool (*move)(void *self, const struct scion_shape *shape, const struct scion_strided *from,
                     const struct scion_strided *to, bool add);
        /*
         * Row index[i] of `rows` [R, ...] becomes row i of y [N, ...]; index [N] is int32. With `scale` and `offset`
         * (float32 [C], C the length of y's second axis, or 1), rows are uint8 and an element v of channel c becomes
         * scale[c] v + offset[c]; otherwise y has the rows' type. GPU: one block per row.
         */
        bool (*gather)(void *self, const struct scion_array *rows, const struct scion_array *index,
                       const struct scion_array *scale, const struct scion_array *offset,
                       struct scion_array *y);

        /* --- Element by element: x, y, g, kept and dx have one layout. GPU: one thread per element --- */

        bool (*unary)(void *self, enum scion_unary op, float p, const struct scion_array *x,
                      struct scion_array *y);
        /* kept is NULL for operations that need neither x nor y. */
        bool (*unary_gradient)(void *self, enum scion_unary op, float p, const struct scion_array *g,
                               const struct scion_array *kept, struct scion_array *dx);
        /* a and b have y's layout when they have its shape; otherwise all three are row-major and a and b broadcast.
         * y may be a. */
        bool (*binary)(void *self, enum scion_binary op, const struct scion_array *a,
                       const struct scion_array *b, struct scion_array *y);
        /* kept[i], of type uint8, becomes 1 with the probability 1 - limit / 2^32, else 0, from numbers of the stream
         * in their order. GPU: Philox4x32-10 with the stream's key and counter, four numbers a thread. */
        bool (*draw)(void *self, const struct scion_random *stream, uint64_t limit, struct scion_array *kept);
        /* y = factor x where kept is not 0, else 0, also for x that is infinite or not a number. kept is uint8. */
        bool (*select)(void *self, const struct scion_array *x, const struct scion_array *kept, float factor,
                       struct scion_array *y);
        /* x becomes 0 where mask (float32, row-major) is 0, in place. */
        bool (*mask)(void *self, const struct scion_array *mask, struct scion_array *x);

        /* --- Over axes. Arrays are row-major. Sums are taken in double precision. GPU: a tree over each block of
         * elements, blocks in a second pass --- */

        /* y = factor times the sum of x over the axes along which y would stretch to x's shape. y may have fewer axes
         * than x. */
        bool (*sum)(void *self, const struct scion_array *x, double factor, struct scion_array *y);
        /* y = factor x, x stretched along the axes along which it has length 1. */
        bool (*stretch)(void *self, const struct scion_array *x, float factor, struct scion_array *y);
        /* y = the maximum of x over the axes along which y has length 1; NaN counts as the largest. */
        bool (*max)(void *self, const struct scion_array *x, struct scion_array *y);
        /* dx = g at the first maximum (row-major), 0 elsewhere. */
        bool (*max_gradient)(void *self, const struct scion_array *x, const struct scion_array *y,
                             const struct scion_array *g, struct scion_array *dx);
        /* Softmax over one axis, or its logarithm. GPU: cudnnSoftmaxForward() and -Backward(). */
        bool (*softmax)(void *self, bool logarithm, int axis, const struct scion_array *x,
                        struct scion_array *y);
        bool (*softmax_gradient)(void *self, bool logarithm, int axis, const struct scion_array *g,
                                 const struct scion_array *y, struct scion_array *dx);

        /* --- Products --- */

        /*
         * C = op(A) op(B), with `bias` [n] added to each row of C (NULL: none). A and B are float32, or both as
         * factor_layout() says. `operation` names the caller in messages; a literal. GPU: cublasLtMatmul(), strided
         * batch, with CUBLASLT_EPILOGUE_BIAS.
         */
        bool (*multiply)(void *self, const char *operation, const struct scion_product *product,
                         const struct scion_array *a, const struct scion_array *b,
                         const struct scion_array *bias, struct scion_array *c);
        /* The type and layout that factors of multiply() of this row-major shape have under the settings. */
        bool (*factor_layout)(void *self, const struct scion_shape *shape, enum scion_dtype *dtype,
                              const struct scion_layout **layout);
        /* y [C] = the sum over rows of x, seen as [R, C]: the gradient of a bias. GPU: CUBLASLT_EPILOGUE_BGRADB of the
         * product before, or a kernel. */
        bool (*column_sums)(void *self, const struct scion_array *x, struct scion_array *y);

        /* --- Kernels --- */

        /* A convolution. With `bias`, the forward pass adds SCION_BIAS, and the weight's pass writes SCION_BIAS_GRAD.
         * GPU: a plan of the cuDNN back-end API (convolution with bias), its workspace taken once. */
        struct scion_kernel *(*conv2d)(void *self, enum scion_pass pass,
                                       const struct scion_geometry *geometry, bool bias);
        /* A pooling of x in `layout`; SCION_FORWARD or SCION_BACKWARD_X. GPU: cudnnPoolingForward() and -Backward(),
         * which reads x and y of a maximum: copies of both are its workspace, unless a kernel keeps indices there. */
        struct scion_kernel *(*pool2d)(void *self, enum scion_pass pass, enum scion_pooling pooling,
                                       const struct scion_geometry *geometry,
                                       const struct scion_layout *layout);
        /*
         * Batch normalisation of x [N, C, H, W] in `layout`; the result has x's layout. With `own` statistics the
         * forward pass writes SCION_MEAN and SCION_VARIANCE (biased), otherwise it reads them. The backward pass
         * (SCION_BACKWARD_X) reads scale, shift and statistics again and writes the gradients of x, scale and shift.
         * GPU: cudnnBatchNormalizationForwardTraining(), -ForwardInference() and -Backward(), which
         * computes the statistics again. The backward pass without `own` statistics needs a kernel.
         */
        struct scion_kernel *(*batch_norm)(void *self, enum scion_pass pass, const struct scion_shape *x,
                                           const struct scion_layout *layout, bool own, float eps);
        /* The layout to bring inputs of batch normalisation into that lie in this one: itself, or NULL. */
        const struct scion_layout *(*batch_norm_layout)(void *self, const struct scion_layout *layout);
        /* How an operand lies: its type and its layout. Bytes of a workspace; 0 when the kernel has none. */
        const struct scion_layout *(*kernel_layout)(const struct scion_kernel *kernel,
                                                    enum scion_operand operand, enum scion_dtype *dtype);
        size_t (*kernel_bytes)(const struct scion_kernel *kernel, enum scion_operand operand);
        /* Runs it. Operands that the kernel does not have are ignored. */
        bool (*kernel_run)(void *self, struct scion_kernel *kernel,
                           const struct scion_array *const operand[SCION_OPERANDS]);
        /* running = (1 - momentum) running + momentum factor batch, element by element, computed in double. */
        bool (*average)(void *self, const struct scion_array *batch, double factor, double momentum,
                        struct scion_array *running);
        /* Averages over bins, x [N, C, H, W] to y [N, C, H', W']: row i of y averages rows floor(i H / H') to
         * ceil((i + 1) H / H') - 1, columns alike; and its gradient. GPU: cudnnPoolingForward() where bins are equal,
         * else a kernel. */
        bool (*adaptive_average)(void *self, const struct scion_array *x, struct scion_array *y);
        bool (*adaptive_average_gradient)(void *self, const struct scion_array *g, struct scion_array *dx);

        /* --- Rows. GPU: one block per row --- */

        /* y [N, M] = |a_n - b_m|^2 for rows of a [N, D], b [M, D], or its root. a and b may share memory. */
        bool (*distance)(void *self, bool root, const struct scion_array *a, const struct scion_array *b,
                         struct scion_array *y);
        /* Its gradient by a, and by b; either may be NULL. When a and b are the same pointer, db is NULL, and da gets the sum
         * of both. The gradient of a root of 0 is 0. */
        bool (*distance_gradient)(void *self, bool root, const struct scion_array *a,
                                  const struct scion_array *b, const struct scion_array *y,
                                  const struct scion_array *g, struct scion_array *da,
                                  struct scion_array *db);
        /* labels [N] are int32. Fails, at once or at the next download, when a label is not in 0 .. C - 1.
         * y [N, C] = 1 at the label, 0 elsewhere; y [N] = x[n, labels[n]] for x [N, C]; its gradient dx [N, C]. */
        bool (*one_hot)(void *self, const struct scion_array *labels, struct scion_array *y);
        bool (*pick)(void *self, const struct scion_array *x, const struct scion_array *labels,
                     struct scion_array *y);
        bool (*pick_gradient)(void *self, const struct scion_array *g, const struct scion_array *labels,
                              struct scion_array *dx);

        /* --- Losses and scores --- */

        /* value (a scalar) = the mean over rows of KL(p || q) with p = softmax(teacher / temperature), q =
         * softmax(student / temperature), in double precision; d_student and d_teacher get the gradients, or are
         * NULL. GPU: one block per row. */
        bool (*kl_divergence)(void *self, const struct scion_array *student,
                              const struct scion_array *teacher, double temperature,
                              struct scion_array *value, struct scion_array *d_student,
                              struct scion_array *d_teacher);
        /* value (a scalar) = the estimate over the three sets of pairs, by the kernel of scion_mmd(), whose zeros stand
         * for the defaults; the bandwidth comes from the heuristic when it is 0. Fails, at once or at the next
         * download, when the heuristic meets a distance that is not finite, or when a 1 / gamma_u is not between 1e-37
         * and 1e37. GPU: a radix select for the median, then a kernel with a tree sum. */
        bool (*mmd)(void *self, const struct scion_mmd_pairs pairs[3], const struct scion_mmd *kernel,
                    struct scion_array *value);
        /* count (a float32 scalar) = the rows of outputs [N, C] whose first largest element is at labels[n]. */
        bool (*correct)(void *self, const struct scion_array *outputs, const struct scion_array *labels,
                        struct scion_array *count);
        /* Adds to sums, [4, K] float64 in a storage: |outputs - targets|, its square, targets, their squares, summed
         * over the rows of outputs and targets [N, K]. */
        bool (*errors)(void *self, const struct scion_array *outputs, const struct scion_array *targets,
                       struct scion_storage *sums);

        /* --- Training --- */

        /*
         * Updates parameters by an optimizer: `count` spans, whose arrays lie where `arrays` says; the pointers in the
         * spans are to be filled in by the back end. One that runs on the host calls optimizer->step(). One that does
         * not has kernels of its own for optimizers it knows by name, with the parameters that optimizer->params
         * describes, and sets *supported to false for others; the engine then downloads the arrays, calls step()
         * itself, and uploads them. GPU: one multi-tensor kernel over all spans.
         */
        bool (*update)(void *self, const struct scion_optimizer_plugin *optimizer, void *optimizer_self,
                       struct scion_span *spans, struct scion_span_arrays *arrays, int count,
                       bool *supported);

        /* --- The device --- */

        /* From now on kernels are made by these settings. False when the device does not have them. */
        bool (*configure)(void *self, const struct scion_device_settings *settings);
        bool (*has_bf16)(void *self);
        struct scion_device_usage (*usage)(void *self);
        /* Writes a line that says by what kernels are chosen, the same for the same results; cut to fit. */
        void (*describe)(void *self, char *text, size_t bytes);
        /* Elements in memory, padding included, of an array of this shape in this layout, which is not NULL. */
        size_t (*layout_length)(const struct scion_layout *layout, const struct scion_shape *shape);
        /* The layout's name, as "aBcd8b" of oneDNN; cut to fit. */
        const char *(*layout_text)(const struct scion_layout *layout, char *text, size_t bytes);
};

/* The back end of the processor, with oneDNN. Its functions work on any storage whose `memory` is a host address. */
SCION_API const struct scion_backend_plugin *scion_backend_cpu(void);

#define SCION_PLUGIN_BACKEND(name, ...) SCION_PLUGIN(scion_backend_plugin, SCION_BACKEND, name, __VA_ARGS__)

SCION_END

#endif
