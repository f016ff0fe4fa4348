/*
 * Shows that the table of a back end (scion/backend.h) can be filled for a CUDA device. The file is compiled against the
 * headers of the CUDA toolkit, cuBLASLt and cuDNN, and is neither linked nor run: what it proves is that each function
 * finds in its arguments what the library's call needs.
 *
 * It is not a usable plugin. Functions that need kernels written for the device are NULL in the table at the end; the
 * comments there name the kernels.
 *
 * All work is queued on one stream. Between two downloads the stream is captured: the calls become one CUDA graph, which
 * download() launches. A steady step makes the same calls with the same addresses, so its graph updates the executable
 * graph of the step before, which costs no new instantiation.
 */
#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <limits.h>
#include <scion/backend.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PINNED_BYTES ((size_t)8 << 20)   /* of the buffer that uploads pass through */
#define PRODUCT_BYTES ((size_t)32 << 20) /* of the working memory of products, as cuBLASLt recommends */

struct block {
        struct block *next;
        size_t bytes;
        void *memory;
};

/* The instance of the plugin. */
struct cuda {
        struct scion_device_settings settings;
        struct scion_device_usage usage;
        cudaStream_t stream;
        cublasLtHandle_t blas;
        cudnnHandle_t dnn;
        cudnnTensorDescriptor_t from, to; /* set anew by each call that uses them */
        char *pinned;
        size_t pinned_used;
        void *scratch;        /* working memory of kernels, which the stream runs one after another */
        size_t scratch_bytes; /* working memory of a size outgrown stays allocated, because graphs may refer to it */
        struct block *blocks;  /* released; memory is never given back, so no call waits for the device */
        cudaGraphExec_t graph; /* of the last step; NULL at the beginning */
        struct scion_kernel *kernels;
};

static const float zero = 0, one = 1;

/* --- Errors --------------------------------------------------------------------------------------------- */

static bool cuda_good(cudaError_t status)
{
        return status == cudaSuccess || scion_fail("CUDA: %s", cudaGetErrorString(status));
}

static bool cublas_good(cublasStatus_t status)
{
        return status == CUBLAS_STATUS_SUCCESS || scion_fail("cuBLASLt: %s", cublasLtGetStatusString(status));
}

static bool cudnn_good(cudnnStatus_t status)
{
        return status == CUDNN_STATUS_SUCCESS || scion_fail("cuDNN: %s", cudnnGetErrorString(status));
}

/* --- The graph of a step -------------------------------------------------------------------------------- */

/* Begins to capture. The relaxed mode allows cudaMalloc() meanwhile. */
static bool step_begin(struct cuda *cuda)
{
        return cuda_good(cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeRelaxed));
}

/* Launches what was captured since step_begin(). */
static bool step_launch(struct cuda *cuda)
{
        cudaGraph_t graph;
        cudaGraphExecUpdateResultInfo result;

        if (!cuda_good(cudaStreamEndCapture(cuda->stream, &graph)))
                return false;
        bool good = cuda->graph && cudaGraphExecUpdate(cuda->graph, graph, &result) == cudaSuccess;

        if (!good) {
                cudaGetLastError(); /* forgets that the update was refused */
                if (cuda->graph)
                        cudaGraphExecDestroy(cuda->graph);
                cuda->graph = NULL;
                good = cuda_good(cudaGraphInstantiate(&cuda->graph, graph, 0));
        }
        cudaGraphDestroy(graph);
        return good && cuda_good(cudaGraphLaunch(cuda->graph, cuda->stream));
}

/* Launches what was captured, waits for it, and begins to capture again. */
static bool step_wait(struct cuda *cuda)
{
        if (!step_launch(cuda) || !cuda_good(cudaStreamSynchronize(cuda->stream)))
                return false;
        cuda->pinned_used = 0;
        return step_begin(cuda);
}

/* --- The instance --------------------------------------------------------------------------------------- */

static bool cuda_validate(void *self)
{
        struct cuda *cuda = self;

        return cuda_good(cudaStreamCreateWithFlags(&cuda->stream, cudaStreamNonBlocking)) &&
               cuda_good(cudaHostAlloc((void **)&cuda->pinned, PINNED_BYTES, cudaHostAllocDefault)) &&
               cublas_good(cublasLtCreate(&cuda->blas)) && cudnn_good(cudnnCreate(&cuda->dnn)) &&
               cudnn_good(cudnnSetStream(cuda->dnn, cuda->stream)) &&
               cudnn_good(cudnnCreateTensorDescriptor(&cuda->from)) &&
               cudnn_good(cudnnCreateTensorDescriptor(&cuda->to)) && step_begin(cuda);
}

static void kernels_destroy(struct scion_kernel *kernel);

/* The process ends next, so device memory is left to the driver. */
static void cuda_finish(void *self)
{
        struct cuda *cuda = self;
        cudaGraph_t graph;

        if (cuda->stream && cudaStreamEndCapture(cuda->stream, &graph) == cudaSuccess)
                cudaGraphDestroy(graph);
        if (cuda->graph)
                cudaGraphExecDestroy(cuda->graph);
        kernels_destroy(cuda->kernels);
        if (cuda->from)
                cudnnDestroyTensorDescriptor(cuda->from);
        if (cuda->to)
                cudnnDestroyTensorDescriptor(cuda->to);
        if (cuda->dnn)
                cudnnDestroy(cuda->dnn);
        if (cuda->blas)
                cublasLtDestroy(cuda->blas);
        cudaFree(cuda->scratch);
        for (struct block *block = cuda->blocks; block; block = cuda->blocks) {
                cuda->blocks = block->next;
                cudaFree(block->memory);
                free(block);
        }
        cudaFreeHost(cuda->pinned);
        if (cuda->stream)
                cudaStreamDestroy(cuda->stream);
}

/* Grows the working memory of kernels to at least this many bytes. */
static bool scratch_reserve(struct cuda *cuda, size_t bytes)
{
        void *memory;

        if (bytes <= cuda->scratch_bytes)
                return true;
        if (!cuda_good(cudaMalloc(&memory, bytes)))
                return false;
        cuda->scratch = memory;
        cuda->scratch_bytes = bytes;
        cuda->usage.scratch += bytes;
        return true;
}

/* --- Memory --------------------------------------------------------------------------------------------- */

static bool cuda_allocate(void *self, struct scion_storage *storage)
{
        struct cuda *cuda = self;

        for (struct block **at = &cuda->blocks; *at; at = &(*at)->next) {
                struct block *block = *at;

                if (block->bytes != storage->bytes)
                        continue;
                storage->memory = block->memory;
                *at = block->next;
                free(block);
                return true;
        }
        /* cudaMalloc() of no bytes gives NULL. */
        return cuda_good(cudaMalloc(&storage->memory, storage->bytes > 0 ? storage->bytes : 1));
}

/* The stream orders later uses of the block after the earlier ones, so nothing has to be waited for. */
static void cuda_release(void *self, struct scion_storage *storage)
{
        struct cuda *cuda = self;
        struct block *block = malloc(sizeof *block);

        if (!block)
                return; /* the memory is lost until the process ends */
        *block = (struct block){ .next = cuda->blocks, .bytes = storage->bytes, .memory = storage->memory };
        cuda->blocks = block;
}

/* The bytes are copied to pinned memory at once, from where the captured graph reads them when it is launched. */
static bool cuda_upload(void *self, struct scion_storage *storage, size_t offset, const void *data,
                        size_t bytes)
{
        struct cuda *cuda = self;

        for (size_t done = 0, part; done < bytes; done += part) {
                if (cuda->pinned_used == PINNED_BYTES && !step_wait(cuda))
                        return false;
                char *pinned = cuda->pinned + cuda->pinned_used;

                part = bytes - done;
                if (part > PINNED_BYTES - cuda->pinned_used)
                        part = PINNED_BYTES - cuda->pinned_used;
                memcpy(pinned, (const char *)data + done, part);
                cuda->pinned_used += part;
                if (!cuda_good(cudaMemcpyAsync((char *)storage->memory + offset + done, pinned, part,
                                               cudaMemcpyHostToDevice, cuda->stream)))
                        return false;
        }
        return true;
}

/* The copy is not part of the graph, because the address of `data` differs from step to step. */
static bool cuda_download(void *self, struct scion_storage *storage, size_t offset, void *data, size_t bytes)
{
        struct cuda *cuda = self;

        if (!step_launch(cuda) ||
            !cuda_good(cudaMemcpyAsync(data, (char *)storage->memory + offset, bytes, cudaMemcpyDeviceToHost,
                                       cuda->stream)) ||
            !cuda_good(cudaStreamSynchronize(cuda->stream)))
                return false;
        cuda->pinned_used = 0;
        return step_begin(cuda);
}

/* --- Arrays --------------------------------------------------------------------------------------------- */

static void *array_memory(const struct scion_array *array)
{
        return array ? (char *)array->storage->memory + array->offset : NULL;
}

static size_t dtype_bytes(enum scion_dtype dtype)
{
        return dtype == SCION_U8 ? 1 : dtype == SCION_BF16 ? 2 : 4;
}

/* Sets a descriptor for row-major float32 [n, c, h, w]. cuDNN takes lengths below 2^31. */
static bool tensor_describe(cudnnTensorDescriptor_t tensor, int64_t n, int64_t c, int64_t h, int64_t w)
{
        if (n > INT_MAX || c > INT_MAX || h > INT_MAX || w > INT_MAX)
                return scion_fail("cuDNN: an axis is longer than %d", INT_MAX);
        return cudnn_good(cudnnSetTensor4dDescriptor(tensor, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, (int)n,
                                                     (int)c, (int)h, (int)w));
}

static bool tensor_describe_images(cudnnTensorDescriptor_t tensor, const struct scion_shape *shape)
{
        return tensor_describe(tensor, shape->dim[0], shape->dim[1], shape->dim[2], shape->dim[3]);
}

/* A value other than 0 needs a kernel for the types that cudnnSetTensor() does not have. */
static bool cuda_fill(void *self, struct scion_array *y, double value)
{
        struct cuda *cuda = self;
        float single = (float)value;

        if (value == 0)
                return cuda_good(
                        cudaMemsetAsync(array_memory(y), 0, y->length * dtype_bytes(y->dtype), cuda->stream));
        if (y->dtype == SCION_U8)
                return cuda_good(cudaMemsetAsync(array_memory(y), (int)value, y->length, cuda->stream));
        if (y->dtype != SCION_F32)
                return scion_fail("fill: needs a kernel");
        return tensor_describe(cuda->to, 1, 1, 1, (int64_t)y->length) &&
               cudnn_good(cudnnSetTensor(cuda->dnn, cuda->to, array_memory(y), &single));
}

/* All layouts are row-major here; the conversion to and from bfloat16 needs a kernel. */
static bool cuda_reorder(void *self, const struct scion_array *x, struct scion_array *y)
{
        struct cuda *cuda = self;

        if (x->dtype != y->dtype)
                return scion_fail("reorder: needs a kernel");
        return cuda_good(cudaMemcpyAsync(array_memory(y), array_memory(x), x->length * dtype_bytes(x->dtype),
                                         cudaMemcpyDeviceToDevice, cuda->stream));
}

/* --- Softmax -------------------------------------------------------------------------------------------- */

/* Describes x as [entries before the axis, the axis, entries after it, 1]. */
static bool softmax_describe(struct cuda *cuda, int axis, const struct scion_shape *shape)
{
        int64_t before = 1, after = 1;

        for (int i = 0; i < axis; i++)
                before *= shape->dim[i];
        for (int i = axis + 1; i < shape->ndim; i++)
                after *= shape->dim[i];
        return tensor_describe(cuda->from, before, shape->dim[axis], after, 1);
}

static bool cuda_softmax(void *self, bool logarithm, int axis, const struct scion_array *x,
                         struct scion_array *y)
{
        struct cuda *cuda = self;

        return softmax_describe(cuda, axis, &x->shape) &&
               cudnn_good(cudnnSoftmaxForward(cuda->dnn,
                                              logarithm ? CUDNN_SOFTMAX_LOG : CUDNN_SOFTMAX_ACCURATE,
                                              CUDNN_SOFTMAX_MODE_CHANNEL, &one, cuda->from, array_memory(x),
                                              &zero, cuda->from, array_memory(y)));
}

static bool cuda_softmax_gradient(void *self, bool logarithm, int axis, const struct scion_array *g,
                                  const struct scion_array *y, struct scion_array *dx)
{
        struct cuda *cuda = self;

        return softmax_describe(cuda, axis, &y->shape) &&
               cudnn_good(cudnnSoftmaxBackward(
                       cuda->dnn, logarithm ? CUDNN_SOFTMAX_LOG : CUDNN_SOFTMAX_ACCURATE,
                       CUDNN_SOFTMAX_MODE_CHANNEL, &one, cuda->from, array_memory(y), cuda->from,
                       array_memory(g), &zero, cuda->from, array_memory(dx)));
}

/* --- Products of matrices ------------------------------------------------------------------------------- */

/* A row-major matrix [rows, columns] is the column-major matrix [columns, rows], which cuBLASLt takes. */
static bool matrix_describe(cublasLtMatrixLayoutOpaque_t *matrix, enum scion_dtype dtype, int64_t rows,
                            int64_t columns, int64_t batch)
{
        int32_t count = (int32_t)batch;
        int64_t stride = rows * columns;

        if (batch > INT32_MAX)
                return scion_fail("cuBLASLt: a batch is longer than %d", INT32_MAX);
        return cublas_good(cublasLtMatrixLayoutInit(matrix, dtype == SCION_BF16 ? CUDA_R_16BF : CUDA_R_32F,
                                                    (uint64_t)columns, (uint64_t)rows, columns)) &&
               cublas_good(cublasLtMatrixLayoutSetAttribute(matrix, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT,
                                                            &count, sizeof count)) &&
               cublas_good(cublasLtMatrixLayoutSetAttribute(
                       matrix, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, sizeof stride));
}

/* The product C' = op(B)' op(A)' of column-major matrices; the bias is then one number for each row of C'. */
static bool product_describe(cublasLtMatmulDescOpaque_t *operation, const struct scion_product *product,
                             const void *bias)
{
        cublasOperation_t first = product->transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N;
        cublasOperation_t second = product->transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
        cublasLtEpilogue_t epilogue = bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;

        return cublas_good(cublasLtMatmulDescInit(operation, CUBLAS_COMPUTE_32F, CUDA_R_32F)) &&
               cublas_good(cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_TRANSA, &first,
                                                          sizeof first)) &&
               cublas_good(cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_TRANSB, &second,
                                                          sizeof second)) &&
               cublas_good(cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue,
                                                          sizeof epilogue)) &&
               (!bias || cublas_good(cublasLtMatmulDescSetAttribute(
                                 operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias)));
}

/* The largest power of 2, up to 256, that divides the address. */
static uint32_t memory_alignment(const void *memory)
{
        uint32_t alignment = 256;

        while ((uintptr_t)memory % alignment != 0)
                alignment /= 2;
        return alignment;
}

/* The heuristic may assume 256 bytes unless it is told: arrays begin anywhere in a storage. */
static bool preference_describe(cublasLtMatmulPreferenceOpaque_t *preference, const void *a, const void *b,
                                const void *c)
{
        const size_t bytes = PRODUCT_BYTES;
        const uint32_t alignment[3] = { memory_alignment(a), memory_alignment(b), memory_alignment(c) };

        return cublas_good(cublasLtMatmulPreferenceInit(preference)) &&
               cublas_good(cublasLtMatmulPreferenceSetAttribute(
                       preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes)) &&
               cublas_good(cublasLtMatmulPreferenceSetAttribute(preference,
                                                                CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
                                                                &alignment[0], sizeof alignment[0])) &&
               cublas_good(cublasLtMatmulPreferenceSetAttribute(preference,
                                                                CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                                                                &alignment[1], sizeof alignment[1])) &&
               cublas_good(cublasLtMatmulPreferenceSetAttribute(preference,
                                                                CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
                                                                &alignment[2], sizeof alignment[2])) &&
               cublas_good(cublasLtMatmulPreferenceSetAttribute(preference,
                                                                CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES,
                                                                &alignment[2], sizeof alignment[2]));
}

/* A usable back end would keep the heuristic's choice for products that come again. */
static bool cuda_multiply(void *self, const char *operation, const struct scion_product *product,
                          const struct scion_array *a, const struct scion_array *b,
                          const struct scion_array *bias, struct scion_array *c)
{
        struct cuda *cuda = self;
        const struct scion_product p = *product;
        cublasLtMatmulDescOpaque_t matmul;
        cublasLtMatmulPreferenceOpaque_t preference;
        cublasLtMatrixLayoutOpaque_t of_a, of_b, of_c;
        cublasLtMatmulHeuristicResult_t choice;
        int choices = 0;

        if (!scratch_reserve(cuda, PRODUCT_BYTES) ||
            !matrix_describe(&of_a, a->dtype, p.transpose_a ? p.k : p.m, p.transpose_a ? p.m : p.k,
                             p.batch) ||
            !matrix_describe(&of_b, b->dtype, p.transpose_b ? p.n : p.k, p.transpose_b ? p.k : p.n,
                             p.batch) ||
            !matrix_describe(&of_c, c->dtype, p.m, p.n, p.batch) ||
            !product_describe(&matmul, product, array_memory(bias)) ||
            !preference_describe(&preference, array_memory(b), array_memory(a), array_memory(c)) ||
            !cublas_good(cublasLtMatmulAlgoGetHeuristic(cuda->blas, &matmul, &of_b, &of_a, &of_c, &of_c,
                                                        &preference, 1, &choice, &choices)) ||
            !(choices > 0 || scion_fail("cuBLASLt: has no algorithm")) ||
            !cublas_good(cublasLtMatmul(cuda->blas, &matmul, &one, array_memory(b), &of_b, array_memory(a),
                                        &of_a, p.accumulate ? &one : &zero, array_memory(c), &of_c,
                                        array_memory(c), &of_c, &choice.algo, cuda->scratch,
                                        cuda->scratch_bytes, cuda->stream)))
                return scion_fail_prefix("%s", operation);
        cuda->usage.operations += 2.0 * (double)p.batch * (double)p.m * (double)p.n * (double)p.k;
        return true;
}

static bool cuda_factor_layout(void *self, const struct scion_shape *shape, enum scion_dtype *dtype,
                               const struct scion_layout **layout)
{
        const struct cuda *cuda = self;

        (void)shape;
        *dtype = cuda->settings.bf16 ? SCION_BF16 : SCION_F32;
        *layout = NULL;
        return true;
}

/* The sum over rows is the gradient of the bias of a convolution over images of one pixel. */
static bool cuda_column_sums(void *self, const struct scion_array *x, struct scion_array *y)
{
        struct cuda *cuda = self;
        int64_t columns = y->shape.dim[0], rows = (int64_t)x->length / columns;

        return tensor_describe(cuda->from, rows, columns, 1, 1) &&
               tensor_describe(cuda->to, 1, columns, 1, 1) &&
               cudnn_good(cudnnConvolutionBackwardBias(cuda->dnn, &one, cuda->from, array_memory(x), &zero,
                                                       cuda->to, array_memory(y)));
}

/* --- Kernels -------------------------------------------------------------------------------------------- */

enum kernel_kind { KERNEL_CONV2D, KERNEL_POOL2D, KERNEL_BATCH_NORM };

/* What a kernel was made from: kernels with equal bytes are the same kernel. */
struct kernel_key {
        enum kernel_kind kind;
        enum scion_pass pass;
        enum scion_pooling pooling;
        struct scion_geometry geometry;
        bool bias, own;
        float eps;
};

struct scion_kernel {
        struct scion_kernel *next;
        struct kernel_key key;
        cudnnTensorDescriptor_t x, y, channels; /* channels: [1, C, 1, 1], of a bias or of statistics */
        cudnnFilterDescriptor_t weight;
        cudnnConvolutionDescriptor_t convolution;
        cudnnPoolingDescriptor_t pooling;
        size_t scratch;    /* bytes of working memory */
        double operations; /* floating-point, of one run */
};

static void kernel_destroy(struct scion_kernel *kernel)
{
        if (kernel->x)
                cudnnDestroyTensorDescriptor(kernel->x);
        if (kernel->y)
                cudnnDestroyTensorDescriptor(kernel->y);
        if (kernel->channels)
                cudnnDestroyTensorDescriptor(kernel->channels);
        if (kernel->weight)
                cudnnDestroyFilterDescriptor(kernel->weight);
        if (kernel->convolution)
                cudnnDestroyConvolutionDescriptor(kernel->convolution);
        if (kernel->pooling)
                cudnnDestroyPoolingDescriptor(kernel->pooling);
        free(kernel);
}

static void kernels_destroy(struct scion_kernel *kernel)
{
        while (kernel) {
                struct scion_kernel *next = kernel->next;

                kernel_destroy(kernel);
                kernel = next;
        }
}

/* Copies the sizes of a shape that are used; the others stay 0, so that keys can be compared by their bytes. */
static void shape_copy(struct scion_shape *to, const struct scion_shape *from)
{
        to->ndim = from->ndim;
        for (int i = 0; i < from->ndim; i++)
                to->dim[i] = from->dim[i];
}

/* Field by field, so that the padding of the key stays 0. */
static void geometry_copy(struct scion_geometry *to, const struct scion_geometry *from)
{
        shape_copy(&to->x, &from->x);
        shape_copy(&to->weight, &from->weight);
        shape_copy(&to->y, &from->y);
        for (int i = 0; i < 2; i++) {
                to->window.kernel[i] = from->window.kernel[i];
                to->window.stride[i] = from->window.stride[i];
                to->window.padding[i] = from->window.padding[i];
                to->window.dilation[i] = from->window.dilation[i];
        }
        to->window.groups = from->window.groups;
        to->window.exclude_padding = from->window.exclude_padding;
}

/* The algorithms give the same bits each time: the sums of the others are added in an order that the device chooses. */
#define FORWARD_ALGORITHM CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM
#define X_ALGORITHM CUDNN_CONVOLUTION_BWD_DATA_ALGO_1
#define WEIGHT_ALGORITHM CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1

static bool conv2d_measure(struct cuda *cuda, struct scion_kernel *k)
{
        switch (k->key.pass) {
        case SCION_FORWARD:
                return cudnn_good(cudnnGetConvolutionForwardWorkspaceSize(
                        cuda->dnn, k->x, k->weight, k->convolution, k->y, FORWARD_ALGORITHM, &k->scratch));
        case SCION_BACKWARD_X:
                return cudnn_good(cudnnGetConvolutionBackwardDataWorkspaceSize(
                        cuda->dnn, k->weight, k->y, k->convolution, k->x, X_ALGORITHM, &k->scratch));
        case SCION_BACKWARD_WEIGHT:
                return cudnn_good(cudnnGetConvolutionBackwardFilterWorkspaceSize(
                        cuda->dnn, k->x, k->y, k->convolution, k->weight, WEIGHT_ALGORITHM, &k->scratch));
        }
        return false;
}

static bool conv2d_create(struct cuda *cuda, struct scion_kernel *k)
{
        const struct scion_geometry *geometry = &k->key.geometry;
        const struct scion_window *w = &geometry->window;
        const int64_t *weight = geometry->weight.dim;

        k->operations =
                2.0 * (double)scion_shape_size(&geometry->y) * (double)(weight[1] * weight[2] * weight[3]);
        return tensor_describe_images(k->x, &geometry->x) && tensor_describe_images(k->y, &geometry->y) &&
               tensor_describe(k->channels, 1, weight[0], 1, 1) &&
               cudnn_good(cudnnCreateFilterDescriptor(&k->weight)) &&
               cudnn_good(cudnnSetFilter4dDescriptor(k->weight, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW,
                                                     (int)weight[0], (int)weight[1], (int)weight[2],
                                                     (int)weight[3])) &&
               cudnn_good(cudnnCreateConvolutionDescriptor(&k->convolution)) &&
               cudnn_good(cudnnSetConvolution2dDescriptor(
                       k->convolution, w->padding[0], w->padding[1], w->stride[0], w->stride[1],
                       w->dilation[0], w->dilation[1], CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT)) &&
               cudnn_good(cudnnSetConvolutionGroupCount(k->convolution, w->groups)) &&
               cudnn_good(cudnnSetConvolutionMathType(k->convolution, CUDNN_FMA_MATH)) &&
               conv2d_measure(cuda, k) && scratch_reserve(cuda, k->scratch);
}

static bool pool2d_create(struct scion_kernel *k)
{
        static const cudnnPoolingMode_t modes[] = {
                [SCION_MAXIMUM] = CUDNN_POOLING_MAX_DETERMINISTIC,
                [SCION_MAXIMUM_NO_GRAD] = CUDNN_POOLING_MAX_DETERMINISTIC,
                [SCION_AVERAGE] = CUDNN_POOLING_AVERAGE_COUNT_INCLUDE_PADDING,
                [SCION_AVERAGE_EXCLUDED] = CUDNN_POOLING_AVERAGE_COUNT_EXCLUDE_PADDING,
        };
        const struct scion_window *w = &k->key.geometry.window;

        return tensor_describe_images(k->x, &k->key.geometry.x) &&
               tensor_describe_images(k->y, &k->key.geometry.y) &&
               cudnn_good(cudnnCreatePoolingDescriptor(&k->pooling)) &&
               cudnn_good(cudnnSetPooling2dDescriptor(k->pooling, modes[k->key.pooling], CUDNN_PROPAGATE_NAN,
                                                      w->kernel[0], w->kernel[1], w->padding[0],
                                                      w->padding[1], w->stride[0], w->stride[1]));
}

static bool batch_norm_create(struct scion_kernel *k)
{
        const struct scion_shape *x = &k->key.geometry.x;

        return tensor_describe_images(k->x, x) && tensor_describe(k->channels, 1, x->dim[1], 1, 1);
}

/* Finds the kernel for the key, or makes it. */
static struct scion_kernel *kernel_find(struct cuda *cuda, const struct kernel_key *key)
{
        for (struct scion_kernel *k = cuda->kernels; k; k = k->next)
                if (memcmp(&k->key, key, sizeof *key) == 0)
                        return k;
        struct scion_kernel *k = calloc(1, sizeof *k);

        if (!k)
                return scion_fail_null("out of memory");
        memcpy(&k->key, key, sizeof *key);
        bool good = cudnn_good(cudnnCreateTensorDescriptor(&k->x)) &&
                    cudnn_good(cudnnCreateTensorDescriptor(&k->y)) &&
                    cudnn_good(cudnnCreateTensorDescriptor(&k->channels));

        if (good && key->kind == KERNEL_CONV2D)
                good = conv2d_create(cuda, k);
        else if (good && key->kind == KERNEL_POOL2D)
                good = pool2d_create(k);
        else if (good)
                good = batch_norm_create(k);
        if (!good) {
                kernel_destroy(k);
                return NULL;
        }
        k->next = cuda->kernels;
        cuda->kernels = k;
        cuda->usage.kernels++;
        return k;
}

static struct scion_kernel *cuda_conv2d(void *self, enum scion_pass pass,
                                        const struct scion_geometry *geometry, bool bias)
{
        struct kernel_key key;

        memset(&key, 0, sizeof key);
        key.kind = KERNEL_CONV2D;
        key.pass = pass;
        key.bias = bias;
        geometry_copy(&key.geometry, geometry);
        return kernel_find(self, &key);
}

static struct scion_kernel *cuda_pool2d(void *self, enum scion_pass pass, enum scion_pooling pooling,
                                        const struct scion_geometry *geometry,
                                        const struct scion_layout *layout)
{
        struct kernel_key key;

        (void)layout; /* row-major: no other is ever given out */
        memset(&key, 0, sizeof key);
        key.kind = KERNEL_POOL2D;
        key.pass = pass;
        key.pooling = pooling;
        geometry_copy(&key.geometry, geometry);
        return kernel_find(self, &key);
}

/* cuDNN has the gradient for the statistics of the batch alone; the gradient for statistics that are read needs a kernel. */
static struct scion_kernel *cuda_batch_norm(void *self, enum scion_pass pass, const struct scion_shape *x,
                                            const struct scion_layout *layout, bool own, float eps)
{
        struct kernel_key key;

        (void)layout;
        if (pass != SCION_FORWARD && !own)
                return scion_fail_null("batch_norm: the gradient in evaluation needs a kernel");
        memset(&key, 0, sizeof key);
        key.kind = KERNEL_BATCH_NORM;
        key.pass = pass;
        key.own = own;
        key.eps = eps;
        shape_copy(&key.geometry.x, x);
        return kernel_find(self, &key);
}

static const struct scion_layout *cuda_batch_norm_layout(void *self, const struct scion_layout *layout)
{
        (void)self;
        return layout;
}

static const struct scion_layout *cuda_kernel_layout(const struct scion_kernel *kernel,
                                                     enum scion_operand operand, enum scion_dtype *dtype)
{
        (void)kernel;
        *dtype = operand == SCION_WORKSPACE ? SCION_U8 : SCION_F32;
        return NULL;
}

static size_t image_bytes(const struct scion_shape *shape)
{
        return (size_t)scion_shape_size(shape) * sizeof(float);
}

/* cudnnPoolingBackward() reads x and y of a maximum, which the backward pass is not given: the workspace holds both. */
static size_t cuda_kernel_bytes(const struct scion_kernel *kernel, enum scion_operand operand)
{
        if (operand != SCION_WORKSPACE || kernel->key.kind != KERNEL_POOL2D ||
            kernel->key.pooling != SCION_MAXIMUM)
                return 0;
        return image_bytes(&kernel->key.geometry.x) + image_bytes(&kernel->key.geometry.y);
}

static bool conv2d_run(struct cuda *cuda, const struct scion_kernel *k,
                       const struct scion_array *const operand[SCION_OPERANDS])
{
        void *memory[SCION_OPERANDS];

        for (int i = 0; i < SCION_OPERANDS; i++)
                memory[i] = array_memory(operand[i]);
        switch (k->key.pass) {
        case SCION_FORWARD:
                return cudnn_good(cudnnConvolutionForward(cuda->dnn, &one, k->x, memory[SCION_X], k->weight,
                                                          memory[SCION_WEIGHT], k->convolution,
                                                          FORWARD_ALGORITHM, cuda->scratch, k->scratch, &zero,
                                                          k->y, memory[SCION_Y])) &&
                       (!k->key.bias ||
                        cudnn_good(cudnnAddTensor(cuda->dnn, &one, k->channels, memory[SCION_BIAS], &one,
                                                  k->y, memory[SCION_Y])));
        case SCION_BACKWARD_X:
                return cudnn_good(cudnnConvolutionBackwardData(
                        cuda->dnn, &one, k->weight, memory[SCION_WEIGHT], k->y, memory[SCION_Y_GRAD],
                        k->convolution, X_ALGORITHM, cuda->scratch, k->scratch, &zero, k->x,
                        memory[SCION_X_GRAD]));
        case SCION_BACKWARD_WEIGHT:
                return cudnn_good(cudnnConvolutionBackwardFilter(
                               cuda->dnn, &one, k->x, memory[SCION_X], k->y, memory[SCION_Y_GRAD],
                               k->convolution, WEIGHT_ALGORITHM, cuda->scratch, k->scratch, &zero, k->weight,
                               memory[SCION_WEIGHT_GRAD])) &&
                       (!k->key.bias || cudnn_good(cudnnConvolutionBackwardBias(
                                                cuda->dnn, &one, k->y, memory[SCION_Y_GRAD], &zero,
                                                k->channels, memory[SCION_BIAS_GRAD])));
        }
        return false;
}

static bool memory_copy(struct cuda *cuda, void *to, const void *from, size_t bytes)
{
        return cuda_good(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, cuda->stream));
}

static bool pool2d_run(struct cuda *cuda, const struct scion_kernel *k,
                       const struct scion_array *const operand[SCION_OPERANDS])
{
        size_t x_bytes = image_bytes(&k->key.geometry.x), y_bytes = image_bytes(&k->key.geometry.y);
        char *workspace = array_memory(operand[SCION_WORKSPACE]);

        if (k->key.pass == SCION_FORWARD) {
                void *x = array_memory(operand[SCION_X]), *y = array_memory(operand[SCION_Y]);

                return cudnn_good(
                               cudnnPoolingForward(cuda->dnn, k->pooling, &one, k->x, x, &zero, k->y, y)) &&
                       (k->key.pooling != SCION_MAXIMUM ||
                        (memory_copy(cuda, workspace, x, x_bytes) &&
                         memory_copy(cuda, workspace + x_bytes, y, y_bytes)));
        }
        void *g = array_memory(operand[SCION_Y_GRAD]), *dx = array_memory(operand[SCION_X_GRAD]);
        /* The gradient of an average does not depend on x and y; any arrays of their shapes will do. */
        bool maximum = k->key.pooling == SCION_MAXIMUM;
        const void *x = maximum ? (void *)workspace : dx;
        const void *y = maximum ? (void *)(workspace + x_bytes) : g;

        return cudnn_good(cudnnPoolingBackward(cuda->dnn, k->pooling, &one, k->y, y, k->y, g, k->x, x, &zero,
                                               k->x, dx));
}

/*
 * The running statistics with the factor 1 are the batch's. cuDNN's running variance is the unbiased one, which
 * (count - 1) / count makes the biased one. The backward pass is given the variance, where cuDNN wants
 * 1 / sqrt(variance + eps), so it is left to compute the statistics from x again.
 */
static bool batch_norm_run(struct cuda *cuda, const struct scion_kernel *k,
                           const struct scion_array *const operand[SCION_OPERANDS])
{
        const struct scion_shape *shape = &k->key.geometry.x;
        const double count = (double)(shape->dim[0] * shape->dim[2] * shape->dim[3]);
        const float biased = (float)((count - 1) / count);
        const double eps = (double)k->key.eps;
        void *memory[SCION_OPERANDS];

        for (int i = 0; i < SCION_OPERANDS; i++)
                memory[i] = array_memory(operand[i]);
        if (k->key.pass != SCION_FORWARD)
                return cudnn_good(cudnnBatchNormalizationBackward(
                        cuda->dnn, CUDNN_BATCHNORM_SPATIAL, &one, &zero, &one, &zero, k->x, memory[SCION_X],
                        k->x, memory[SCION_Y_GRAD], k->x, memory[SCION_X_GRAD], k->channels,
                        memory[SCION_SCALE], memory[SCION_SCALE_GRAD], memory[SCION_SHIFT_GRAD], eps, NULL,
                        NULL));
        if (!k->key.own)
                return cudnn_good(cudnnBatchNormalizationForwardInference(
                        cuda->dnn, CUDNN_BATCHNORM_SPATIAL, &one, &zero, k->x, memory[SCION_X], k->x,
                        memory[SCION_Y], k->channels, memory[SCION_SCALE], memory[SCION_SHIFT],
                        memory[SCION_MEAN], memory[SCION_VARIANCE], eps));
        return cudnn_good(cudnnBatchNormalizationForwardTraining(
                       cuda->dnn, CUDNN_BATCHNORM_SPATIAL, &one, &zero, k->x, memory[SCION_X], k->x,
                       memory[SCION_Y], k->channels, memory[SCION_SCALE], memory[SCION_SHIFT], 1,
                       memory[SCION_MEAN], memory[SCION_VARIANCE], eps, NULL, NULL)) &&
               cudnn_good(cudnnScaleTensor(cuda->dnn, k->channels, memory[SCION_VARIANCE], &biased));
}

static bool cuda_kernel_run(void *self, struct scion_kernel *kernel,
                            const struct scion_array *const operand[SCION_OPERANDS])
{
        struct cuda *cuda = self;

        cuda->usage.operations += kernel->operations;
        switch (kernel->key.kind) {
        case KERNEL_CONV2D:
                return conv2d_run(cuda, kernel, operand);
        case KERNEL_POOL2D:
                return pool2d_run(cuda, kernel, operand);
        case KERNEL_BATCH_NORM:
                return batch_norm_run(cuda, kernel, operand);
        }
        return false;
}

/* --- The device ----------------------------------------------------------------------------------------- */

/* bfloat16 needs the conversion of reorder(), and plans of cuDNN's graph interface for convolutions. */
static bool cuda_configure(void *self, const struct scion_device_settings *settings)
{
        struct cuda *cuda = self;

        if (settings->bf16)
                return scion_fail("bf16: needs kernels");
        cuda->settings = *settings;
        return true;
}

static bool cuda_has_bf16(void *self)
{
        (void)self;
        return false;
}

static struct scion_device_usage cuda_usage(void *self)
{
        const struct cuda *cuda = self;

        return cuda->usage;
}

static void cuda_describe(void *self, char *text, size_t bytes)
{
        struct cudaDeviceProp properties;

        (void)self;
        if (cudaGetDeviceProperties(&properties, 0) != cudaSuccess)
                properties.name[0] = '\0';
        snprintf(text, bytes, "%s, cuDNN %zu, cuBLASLt %zu", properties.name, cudnnGetVersion(),
                 cublasLtGetVersion());
}

/* --- The table ------------------------------------------------------------------------------------------ */

static const struct scion_backend_plugin cuda_backend = {
        .abi = SCION_ABI,
        .bytes = sizeof(struct scion_backend_plugin),
        .param_bytes = sizeof(struct scion_param),
        .kind = SCION_BACKEND,
        .name = "cuda",
        .summary = "a CUDA device, as far as libraries go",
        .size = sizeof(struct cuda),
        .validate = cuda_validate,
        .finish = cuda_finish,
        .allocate = cuda_allocate,
        .release = cuda_release,
        .map = NULL, /* the host cannot address the device's memory */
        .upload = cuda_upload,
        .download = cuda_download,
        .fill = cuda_fill,
        .reorder = cuda_reorder,
        .move = NULL,           /* kernel: one thread per element, strides as arguments */
        .gather = NULL,         /* kernel: one block per row */
        .unary = NULL,          /* kernels: one thread per element, here and in the next five */
        .unary_gradient = NULL, /* cudnnActivationForward() has few of the functions */
        .binary = NULL,         /* cudnnOpTensor() has neither the difference nor the quotient */
        .draw = NULL,           /* Philox4x32-10 from the key and the counter, as arguments */
        .select = NULL,
        .mask = NULL,
        .sum = NULL, /* kernels: a tree over blocks, in double precision, which cudnnReduceTensor() lacks */
        .stretch = NULL,
        .max = NULL,
        .max_gradient = NULL,
        .softmax = cuda_softmax,
        .softmax_gradient = cuda_softmax_gradient,
        .multiply = cuda_multiply,
        .factor_layout = cuda_factor_layout,
        .column_sums = cuda_column_sums,
        .conv2d = cuda_conv2d,
        .pool2d = cuda_pool2d,
        .batch_norm = cuda_batch_norm,
        .batch_norm_layout = cuda_batch_norm_layout,
        .kernel_layout = cuda_kernel_layout,
        .kernel_bytes = cuda_kernel_bytes,
        .kernel_run = cuda_kernel_run,
        .average = NULL,          /* kernel: one thread per element */
        .adaptive_average = NULL, /* kernels: one thread per bin, or per element */
        .adaptive_average_gradient = NULL,
        .distance = NULL, /* kernels: one block per row, here and in the next eight */
        .distance_gradient = NULL,
        .one_hot = NULL, /* labels out of range set a flag that download() reads with the results */
        .pick = NULL,
        .pick_gradient = NULL,
        .kl_divergence = NULL,
        .mmd = NULL,
        .correct = NULL,
        .errors = NULL,
        .update = NULL, /* kernels: one over all spans for each optimizer that is known by name */
        .configure = cuda_configure,
        .has_bf16 = cuda_has_bf16,
        .usage = cuda_usage,
        .describe = cuda_describe,
        .layout_length = NULL, /* never called: no layout other than row-major is given out */
        .layout_text = NULL,
};

const struct scion_backend_plugin *scion_backend_cuda(void);

const struct scion_backend_plugin *scion_backend_cuda(void)
{
        return &cuda_backend;
}
