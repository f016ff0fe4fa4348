/*
 * Back ends: the computation on a device. A back end is a plugin of the kind `backend`: a table of functions on
 * arrays in the device's memory. `device: NAME` in an experiment file opens the back end NAME. `cpu` is part of
 * libscion (scion_backend_cpu()); others are found as DIRECTORY/backends/NAME.so in the folders of plugins.
 *
 * For all functions of the table:
 *
 * - `self` is the plugin's instance. All calls come from the run's thread, one at a time.
 * - Arrays are passed by pointers that are valid during the call. The engine has checked shapes and types, so the
 *   arguments fit together. Results are written completely, and not read unless the comment says so.
 * - Arrays do not overlap unless the comment says so. An array begins at any element of its storage, so its address is
 *   aligned to the element's size and to nothing larger.
 * - Work may be queued, as on one CUDA stream: a call may return before the device has done the work, as long as
 *   later calls see its result. Only download() and map() wait for the device. In a steady training step the engine
 *   downloads at most once, after the update.
 * - The host reads and writes a storage only through map(), upload() and download().
 * - A function that fails returns false or NULL, with a message (scion_fail()). An error that the device reports late
 *   is returned by the next call that waits.
 * - The order of every sum depends on the shapes only, so that a run can be reproduced bit by bit.
 *
 * "GPU:" in a comment names the library call or the kind of kernel that would implement the function on a CUDA
 * device. A steady step makes the same calls with the same storages in every step, because a tape hands out its
 * blocks in the same order. So the calls between two downloads can be captured as one CUDA graph. Its only inputs
 * that change are the data of upload() (the batch's row numbers) and the scalars of update() and draw(), which such a
 * back end keeps in device memory.
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

/* A block of a device's memory. The engine owns the structure; the back end owns the memory. */
struct scion_storage {
        void *memory; /* set by allocate(); a host or device address, or a handle, as the back end likes */
        size_t bytes;
};

/* An order of elements in memory that is not row-major. The back end creates and interprets layouts, and keeps them
 * until the process ends. Arrays of the same shape and type have the same order if and only if their layout pointers
 * are equal. */
struct scion_layout;

/* An array of elements in a storage. The fields are a macro because the engine's tensors contain them, too. */
#define SCION_ARRAY_FIELDS                                                                     \
        struct scion_storage *storage;                                                         \
        size_t offset;                     /* of the first element in the storage, in bytes */ \
        struct scion_shape shape;          /* logical */                                       \
        enum scion_dtype dtype;            /* of the elements in memory */                     \
        const struct scion_layout *layout; /* NULL: row-major */                               \
        size_t length; /* number of elements in memory, including the layout's padding, which is 0 */

struct scion_array {
        SCION_ARRAY_FIELDS
};

/* The settings of a run. */
struct scion_device_settings {
        int threads;   /* threads of the processor that kernels may use; at least 1 */
        bool bf16;     /* convolutions and matrix products round their factors to bfloat16 */
        bool winograd; /* 3x3 convolutions may use Winograd's algorithm, which rounds a little more */
};

/* What a device has used so far. A steady step does not change `kernels` and `scratch`. */
struct scion_device_usage {
        size_t kernels;    /* created */
        size_t scratch;    /* bytes of working memory that kernels share */
        double operations; /* floating-point operations of convolutions and products, by their definitions */
};

/* --- Element by element --------------------------------------------------------------------------------- */

/* Functions y of x and a parameter p. In parentheses: the gradient dx for the gradient g of y and, after a semicolon,
 * which of x and y unary_gradient() gets as `kept`. For example, SCION_UNARY_EXP is y = e^x with dx = g y, and `kept`
 * is y. */
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
        SCION_UNARY_REVERSE,   /* x, unchanged (-p g: the gradient is reversed) */
        SCION_UNARY_CLAMP_MIN, /* max(x, p), NaN at NaN (0 where x < p, else g; x) */
        SCION_UNARIES
};

/* Functions y of a and b, which broadcast to y's shape. */
enum scion_binary {
        SCION_BINARY_ADD,
        SCION_BINARY_SUB,
        SCION_BINARY_MUL,
        SCION_BINARY_DIV,
        SCION_BINARY_ADD_RELU, /* max(a + b, 0), NaN at NaN */
        SCION_BINARIES
};

/* One side of a strided copy: on each axis, element i + 1 is `stride` elements after element i. */
struct scion_strided {
        const struct scion_array *array; /* row-major */
        int64_t first;                   /* index of the first element that is copied */
        int64_t stride[SCION_MAX_DIMS];
};

/* --- Products of matrices ------------------------------------------------------------------------------- */

/* `batch` products C [m, n] = op(A) op(B) of row-major matrices, which follow one another in memory. */
struct scion_product {
        int64_t batch, m, n, k;
        bool transpose_a, transpose_b; /* A is stored as [k, m], B as [n, k] */
        bool accumulate;               /* the product is added to C */
};

/* --- Kernels: convolution, pooling, batch normalisation ---------------------------------------------------- */

/* The arrays that kernels read and write. A gradient has the shape of its array. */
enum scion_operand {
        SCION_X,
        SCION_WEIGHT,
        SCION_BIAS,
        SCION_Y,
        SCION_X_GRAD,
        SCION_WEIGHT_GRAD,
        SCION_BIAS_GRAD,
        SCION_Y_GRAD,
        SCION_SCALE, /* of a normalisation, [C], like the next three */
        SCION_SHIFT,
        SCION_MEAN,
        SCION_VARIANCE,
        SCION_SCALE_GRAD,
        SCION_SHIFT_GRAD,
        SCION_WORKSPACE, /* written by a forward kernel for the backward one; see kernel_bytes() */
        SCION_OPERANDS
};

/* A computation that is prepared for fixed shapes and layouts. The back end owns it and keeps it for later calls, so
 * conv2d(), pool2d() and batch_norm(), which the engine calls before each use, are cheap. */
struct scion_kernel;

enum scion_pass {
        SCION_FORWARD,
        SCION_BACKWARD_X,      /* computes the gradient of the input */
        SCION_BACKWARD_WEIGHT, /* computes the gradients of the weight and the bias */
};

/* A window over images. All fields are set; 0 does not stand for a default. */
struct scion_geometry {
        struct scion_shape x, weight, y; /* [N, C, H, W]; [O, C / groups, kh, kw]; [N, O, H', W'] */
        struct scion_window window;
};

enum scion_pooling {
        SCION_MAXIMUM,          /* writes a workspace for the backward pass */
        SCION_MAXIMUM_NO_GRAD,  /* forward only, without a workspace */
        SCION_AVERAGE,          /* over the whole window, including the padding */
        SCION_AVERAGE_EXCLUDED, /* excluding the padding */
};

/* --- Losses --------------------------------------------------------------------------------------------- */

/* One of the three sets of pairs of scion_mmd(). The estimate is the sum over the sets of weight (sum k(d) -
 * left_out). */
struct scion_mmd_pairs {
        const struct scion_array *distance; /* squared distances d; [N, N], [N, M] or [N] */
        struct scion_array *slope;          /* gets weight dk/dd; may be NULL */
        double weight;
        double left_out; /* number of excluded pairs of an example with itself, for which k is 1 */
        bool itself; /* the pairs are within one batch: symmetric, each example with itself on the diagonal */
};

/* --- Optimizers ----------------------------------------------------------------------------------------- */

/* The arrays of a span on the device. */
struct scion_span_arrays {
        struct scion_array value, gradient, state[SCION_MAX_STATES];
};

/* --- The table ------------------------------------------------------------------------------------------ */

struct scion_backend_plugin {
        SCION_PLUGIN_FIELDS

        /* --- Memory --- */

        /* Sets storage->memory to a new block of storage->bytes bytes, aligned to 64 bytes, with undefined contents.
         * GPU: from a pool over cudaMalloc(), as blocks are kept for the whole run. */
        bool (*allocate)(void *self, struct scion_storage *storage);
        /* Frees the storage's memory. */
        void (*release)(void *self, struct scion_storage *storage);
        /* Waits for all queued work, and returns the address at which the host can read and write the storage. NULL,
         * without a message, if the host cannot address it. A NULL function does the same as returning NULL. After an
         * error that the device reports late, map() returns NULL too, and the next download() returns the error. */
        void *(*map)(void *self, struct scion_storage *storage);
        /* Copy `bytes` bytes at `offset` from and to the host. upload() must not read `data` after it has returned.
         * GPU: cudaMemcpyAsync() from a pinned buffer; cudaMemcpyAsync() and cudaStreamSynchronize(). */
        bool (*upload)(void *self, struct scion_storage *storage, size_t offset, const void *data,
                       size_t bytes);
        bool (*download)(void *self, struct scion_storage *storage, size_t offset, void *data, size_t bytes);

        /* --- Moving elements --- */

        /* Sets all elements of a row-major array. GPU: cudaMemsetAsync() for 0, else a kernel. */
        bool (*fill)(void *self, struct scion_array *y, double value);
        /* Copies x to y, which has the same shape, and possibly another layout or type. float32 is rounded to bfloat16
         * to nearest, ties to even. GPU: cudnnTransformTensor() or a kernel. */
        bool (*reorder)(void *self, const struct scion_array *x, struct scion_array *y);
        /* Copies a block of the given shape between two strided arrays of the same type, which may be any. With `add`,
         * adds float32 elements to those of the destination. GPU: one thread per element. */
        bool (*move)(void *self, const struct scion_shape *shape, const struct scion_strided *from,
                     const struct scion_strided *to, bool add);
        /*
         * Copies row index[i] of `rows` [R, ...] to row i of y [N, ...]; index [N] is int32. If `scale` and `offset`
         * are not NULL, rows are uint8 and y is float32: an element v of channel c becomes scale[c] v + offset[c].
         * They are float32 [C], where C is the length of y's second axis, or 1. Otherwise y has the type of rows.
         * GPU: one block per row.
         */
        bool (*gather)(void *self, const struct scion_array *rows, const struct scion_array *index,
                       const struct scion_array *scale, const struct scion_array *offset,
                       struct scion_array *y);

        /* --- Element by element. x, y, g, kept and dx have the same layout. GPU: one thread per element --- */

        bool (*unary)(void *self, enum scion_unary op, float p, const struct scion_array *x,
                      struct scion_array *y);
        /* Operations that need neither x nor y must not read `kept`. */
        bool (*unary_gradient)(void *self, enum scion_unary op, float p, const struct scion_array *g,
                               const struct scion_array *kept, struct scion_array *dx);
        /* Either a and b have the shape and layout of y, or all three are row-major, and a and b broadcast. y may be
         * the same array as a. */
        bool (*binary)(void *self, enum scion_binary op, const struct scion_array *a,
                       const struct scion_array *b, struct scion_array *y);
        /* Sets kept[i], a uint8, to 0 if number i of the stream (scion_random_bits()) is below `limit`, else to 1.
         * GPU: Philox4x32-10 with the stream's key and counter, four numbers per thread. */
        bool (*draw)(void *self, const struct scion_random *stream, uint64_t limit, struct scion_array *kept);
        /* y = factor x where kept, a uint8, is not 0; else 0, also where x is infinite or NaN. */
        bool (*select)(void *self, const struct scion_array *x, const struct scion_array *kept, float factor,
                       struct scion_array *y);
        /* Sets x to 0 where mask (float32, row-major) is 0, in place. */
        bool (*mask)(void *self, const struct scion_array *mask, struct scion_array *x);

        /* --- Over axes. Arrays are row-major. Sums are computed in double precision. GPU: a tree over each block of
         * elements, the blocks in a second pass --- */

        /* y = factor times the sum of x over the axes along which y broadcasts to x's shape. y may have fewer axes
         * than x. */
        bool (*sum)(void *self, const struct scion_array *x, double factor, struct scion_array *y);
        /* y = factor x, where x broadcasts to y's shape. */
        bool (*stretch)(void *self, const struct scion_array *x, float factor, struct scion_array *y);
        /* y = the maximum of x over the axes along which y has length 1. NaN counts as the largest value. */
        bool (*max)(void *self, const struct scion_array *x, struct scion_array *y);
        /* dx = g at the first maximum in row-major order, 0 elsewhere. */
        bool (*max_gradient)(void *self, const struct scion_array *x, const struct scion_array *y,
                             const struct scion_array *g, struct scion_array *dx);
        /* Softmax over one axis, or its logarithm, and the gradient. GPU: cudnnSoftmaxForward() and -Backward(). */
        bool (*softmax)(void *self, bool logarithm, int axis, const struct scion_array *x,
                        struct scion_array *y);
        bool (*softmax_gradient)(void *self, bool logarithm, int axis, const struct scion_array *g,
                                 const struct scion_array *y, struct scion_array *dx);

        /* --- Products --- */

        /*
         * C = op(A) op(B), plus `bias` [n] in each row of C (NULL: none). A and B are both float32 and row-major, or
         * both have the type and layout of factor_layout(). `operation` is a literal that names the caller in
         * messages. GPU: cublasLtMatmul(), strided batch, with CUBLASLT_EPILOGUE_BIAS.
         */
        bool (*multiply)(void *self, const char *operation, const struct scion_product *product,
                         const struct scion_array *a, const struct scion_array *b,
                         const struct scion_array *bias, struct scion_array *c);
        /* Returns the type and layout that factors of multiply() with this shape should have under the settings. */
        bool (*factor_layout)(void *self, const struct scion_shape *shape, enum scion_dtype *dtype,
                              const struct scion_layout **layout);
        /* y [C] = the sum over the rows of x, taken as [R, C]: the gradient of a bias. GPU: a kernel. */
        bool (*column_sums)(void *self, const struct scion_array *x, struct scion_array *y);

        /* --- Kernels --- */

        /* Returns a kernel for a convolution. With `bias`, SCION_FORWARD adds SCION_BIAS, and SCION_BACKWARD_WEIGHT
         * writes SCION_BIAS_GRAD. GPU: a plan of cuDNN's back-end API (convolution with bias); its workspace is
         * allocated once. */
        struct scion_kernel *(*conv2d)(void *self, enum scion_pass pass,
                                       const struct scion_geometry *geometry, bool bias);
        /* Returns a kernel for a pooling of x in `layout`. The pass is SCION_FORWARD or SCION_BACKWARD_X. GPU:
         * cudnnPoolingForward() and -Backward(), which reads x and y of a maximum: the workspace holds copies of both,
         * unless a kernel stores indices there. */
        struct scion_kernel *(*pool2d)(void *self, enum scion_pass pass, enum scion_pooling pooling,
                                       const struct scion_geometry *geometry,
                                       const struct scion_layout *layout);
        /*
         * Returns a kernel for the batch normalisation of x [N, C, H, W] in `layout`; the result has the same layout.
         * If `own` is true, SCION_FORWARD computes the statistics of x and writes SCION_MEAN and SCION_VARIANCE
         * (biased); otherwise it reads them. SCION_BACKWARD_X reads x, scale, shift and statistics, and writes the
         * gradients of x, scale and shift.
         * GPU: cudnnBatchNormalizationForwardTraining(), -ForwardInference() and -Backward(), which computes the
         * statistics again. The backward pass without `own` statistics needs a kernel.
         */
        struct scion_kernel *(*batch_norm)(void *self, enum scion_pass pass, const struct scion_shape *x,
                                           const struct scion_layout *layout, bool own, float eps);
        /* Returns the layout that batch normalisation should use for an input in `layout`: `layout` or NULL. */
        const struct scion_layout *(*batch_norm_layout)(void *self, const struct scion_layout *layout);
        /* Return an operand's layout and type, and the bytes of a workspace, 0 if the kernel has none. */
        const struct scion_layout *(*kernel_layout)(const struct scion_kernel *kernel,
                                                    enum scion_operand operand, enum scion_dtype *dtype);
        size_t (*kernel_bytes)(const struct scion_kernel *kernel, enum scion_operand operand);
        /* Runs the kernel. Operands that it does not use are ignored. */
        bool (*kernel_run)(void *self, struct scion_kernel *kernel,
                           const struct scion_array *const operand[SCION_OPERANDS]);
        /* running = (1 - momentum) running + momentum factor batch, element by element, in double precision. */
        bool (*average)(void *self, const struct scion_array *batch, double factor, double momentum,
                        struct scion_array *running);
        /* Adaptive average pooling of x [N, C, H, W] to y [N, C, H', W'], and its gradient: row i of y averages the
         * rows floor(i H / H') to ceil((i + 1) H / H') - 1, and columns likewise. GPU: cudnnPoolingForward() and
         * -Backward() if all windows are equal, else a kernel. */
        bool (*adaptive_average)(void *self, const struct scion_array *x, struct scion_array *y);
        bool (*adaptive_average_gradient)(void *self, const struct scion_array *g, struct scion_array *dx);

        /* --- Rows. GPU: one block per row --- */

        /* y [N, M] = |a_n - b_m|^2 for the rows of a [N, D] and b [M, D]; its root if `root`. a and b may overlap. */
        bool (*distance)(void *self, bool root, const struct scion_array *a, const struct scion_array *b,
                         struct scion_array *y);
        /* The gradients with respect to a and b; da or db may be NULL. If a and b are the same pointer, db is NULL and
         * da gets the sum of both gradients. The gradient of a root of 0 is 0. */
        bool (*distance_gradient)(void *self, bool root, const struct scion_array *a,
                                  const struct scion_array *b, const struct scion_array *y,
                                  const struct scion_array *g, struct scion_array *da,
                                  struct scion_array *db);
        /* one_hot: y [N, C] = 1 at the label, 0 elsewhere. pick: y [N] = x[n, labels[n]] for x [N, C], and its
         * gradient dx [N, C]. labels [N] are int32. They fail, at once or at the next download, if a label is not in
         * 0 .. C-1. */
        bool (*one_hot)(void *self, const struct scion_array *labels, struct scion_array *y);
        bool (*pick)(void *self, const struct scion_array *x, const struct scion_array *labels,
                     struct scion_array *y);
        bool (*pick_gradient)(void *self, const struct scion_array *g, const struct scion_array *labels,
                              struct scion_array *dx);

        /* --- Losses and scores --- */

        /* value (a scalar) = the mean over rows of KL(p || q), with p = softmax(teacher / temperature) and
         * q = softmax(student / temperature), in double precision. d_student and d_teacher get the gradients; they may
         * be NULL. GPU: one block per row. */
        bool (*kl_divergence)(void *self, const struct scion_array *student,
                              const struct scion_array *teacher, double temperature,
                              struct scion_array *value, struct scion_array *d_student,
                              struct scion_array *d_teacher);
        /* value (a scalar) = the estimate over the three sets of pairs, with the kernel of scion_mmd(). Fields of
         * `kernel` that are 0 stand for their defaults; a bandwidth of 0 is computed by the heuristic. Fails, at once
         * or at the next download, if the heuristic finds a distance that is not finite, or if a 1 / gamma_u is not
         * between 1e-37 and 1e37. GPU: a radix select for the median, then a kernel with a tree sum. */
        bool (*mmd)(void *self, const struct scion_mmd_pairs pairs[3], const struct scion_mmd *kernel,
                    struct scion_array *value);
        /* count (a float32 scalar) = the number of rows of outputs [N, C] whose first maximum is at labels[n]. */
        bool (*correct)(void *self, const struct scion_array *outputs, const struct scion_array *labels,
                        struct scion_array *count);
        /* Adds sums over the rows of outputs and targets [N, K] to `sums`, a storage with float64 [4, K]: of
         * |outputs - targets|, of its square, of targets, and of their squares. */
        bool (*errors)(void *self, const struct scion_array *outputs, const struct scion_array *targets,
                       struct scion_storage *sums);

        /* --- Training --- */

        /*
         * Updates `count` parameters by an optimizer. arrays[i] are the arrays of spans[i], whose pointers are not
         * set. A back end on the host sets them and calls optimizer->step(). Another one has its own kernels for
         * optimizers that it knows by name, reads their parameters from optimizer_self as optimizer->params describes
         * them, and sets *supported to false for all others; the engine then downloads the arrays, calls step(), and
         * uploads them. GPU: one multi-tensor kernel over all spans.
         */
        bool (*update)(void *self, const struct scion_optimizer_plugin *optimizer, void *optimizer_self,
                       struct scion_span *spans, struct scion_span_arrays *arrays, int count,
                       bool *supported);

        /* --- The device --- */

        /* Sets the settings for kernels that are created from now on. Returns false if the device does not support
         * them. */
        bool (*configure)(void *self, const struct scion_device_settings *settings);
        /* Returns whether the device supports the setting bf16. */
        bool (*has_bf16)(void *self);
        struct scion_device_usage (*usage)(void *self);
        /* Writes a line that identifies what results depend on: device, libraries, choice of kernels. Truncated to
         * `bytes` bytes. */
        void (*describe)(void *self, char *text, size_t bytes);
        /* Returns the number of elements in memory, including padding, of an array in a layout, which is not NULL. */
        size_t (*layout_length)(const struct scion_layout *layout, const struct scion_shape *shape);
        /* Writes the layout's name, as oneDNN's "aBcd8b", truncated to `bytes` bytes. Returns `text`. */
        const char *(*layout_text)(const struct scion_layout *layout, char *text, size_t bytes);
};

/* Returns the processor's back end, which uses oneDNN. Its functions work on all storages whose `memory` is a host
 * address, with a `self` of NULL. */
SCION_API const struct scion_backend_plugin *scion_backend_cpu(void);

#define SCION_PLUGIN_BACKEND(name, ...) SCION_PLUGIN(scion_backend_plugin, SCION_BACKEND, name, __VA_ARGS__)

SCION_END

#endif
