/* Caches kernels, runs them, and holds the settings for new ones. */
#include "backend/cpu/kernel.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "backend/cpu/parallel.h"

#define BUCKETS 512
#define KIND 0    /* index of the kind in a key */
#define THREADS 1 /* index of the number of threads in a key */
#define ALIGNMENT ((size_t)64)

/* The kernels of one thread. Threads cannot share them, because memory objects hold the pointers of one run. */
struct worker {
        int threads; /* the number that the OpenMP run-time is set to for this thread */
        dnnl_stream_t stream;
        void *scratch;
        struct scion_device_usage usage;
        struct scion_kernel *bucket[BUCKETS];
};

static atomic_int threads_wanted = 1;
static atomic_bool bf16_wanted = false;
static atomic_bool winograd_wanted = true;
static _Thread_local struct worker *mine;
static pthread_key_t worker_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The oneDNN argument of each operand. */
static const int argument_of[SCION_OPERANDS] = {
        [SCION_X] = DNNL_ARG_SRC,
        [SCION_WEIGHT] = DNNL_ARG_WEIGHTS,
        [SCION_BIAS] = DNNL_ARG_BIAS,
        [SCION_Y] = DNNL_ARG_DST,
        [SCION_X_GRAD] = DNNL_ARG_DIFF_SRC,
        [SCION_WEIGHT_GRAD] = DNNL_ARG_DIFF_WEIGHTS,
        [SCION_BIAS_GRAD] = DNNL_ARG_DIFF_BIAS,
        [SCION_Y_GRAD] = DNNL_ARG_DIFF_DST,
        [SCION_SCALE] = DNNL_ARG_SCALE,
        [SCION_SHIFT] = DNNL_ARG_SHIFT,
        [SCION_MEAN] = DNNL_ARG_MEAN,
        [SCION_VARIANCE] = DNNL_ARG_VARIANCE,
        [SCION_SCALE_GRAD] = DNNL_ARG_DIFF_SCALE,
        [SCION_SHIFT_GRAD] = DNNL_ARG_DIFF_SHIFT,
        [SCION_WORKSPACE] = DNNL_ARG_WORKSPACE,
};

bool scion_cpu_configure(void *self, const struct scion_device_settings *settings)
{
        (void)self;
        atomic_store(&threads_wanted, settings->threads < 1 ? 1 : settings->threads);
        atomic_store(&bf16_wanted, settings->bf16);
        atomic_store(&winograd_wanted, settings->winograd);
        return true;
}

int scion_kernels_threads(void)
{
        return atomic_load_explicit(&threads_wanted, memory_order_relaxed);
}

bool scion_kernels_bf16(void)
{
        return atomic_load_explicit(&bf16_wanted, memory_order_relaxed);
}

bool scion_kernels_winograd(void)
{
        return atomic_load(&winograd_wanted);
}

static void kernel_destroy(struct scion_kernel *kernel)
{
        for (int i = 0; i < SCION_OPERANDS; i++)
                dnnl_memory_destroy(kernel->memory[i]);
        dnnl_memory_destroy(kernel->scratch_memory);
        dnnl_primitive_destroy(kernel->primitive);
        dnnl_primitive_desc_destroy(kernel->pd);
        free(kernel);
}

static void worker_destroy(void *pointer)
{
        struct worker *worker = pointer;

        for (int i = 0; i < BUCKETS; i++)
                for (struct scion_kernel *kernel = worker->bucket[i], *next; kernel; kernel = next) {
                        next = kernel->next;
                        kernel_destroy(kernel);
                }
        dnnl_stream_destroy(worker->stream);
        free(worker->scratch);
        free(worker);
        mine = NULL;
}

static void worker_key_create(void)
{
        pthread_key_create(&worker_key, worker_destroy);
}

static struct worker *worker_create(void)
{
        dnnl_engine_t engine = scion_dnnl_engine();
        struct worker *worker;

        if (!engine)
                return NULL;
        worker = calloc(1, sizeof *worker);
        if (!worker)
                return scion_fail_null("out of memory");
        if (!scion_dnnl_check("stream",
                              dnnl_stream_create(&worker->stream, engine, dnnl_stream_default_flags))) {
                free(worker);
                return NULL;
        }
        pthread_once(&once, worker_key_create);
        pthread_setspecific(worker_key, worker);
        return worker;
}

/* Sets the calling thread up for the number of threads in the key, which is the one that the kernel was made for: the
 * setting may have changed since. */
static struct worker *worker_ready(const struct scion_key *key)
{
        int threads = (int)key->word[THREADS];

        if (!mine)
                mine = worker_create();
        if (mine && mine->threads != threads) {
                if (!scion_threads_set(threads))
                        return NULL;
                mine->threads = threads;
        }
        return mine;
}

bool scion_kernels_ready(const struct scion_key *key)
{
        return worker_ready(key) != NULL;
}

struct scion_device_usage scion_cpu_usage(void *self)
{
        (void)self;
        return mine ? mine->usage : (struct scion_device_usage){ 0 };
}

void scion_key_begin(struct scion_key *key, enum scion_kernel_kind kind)
{
        key->count = 0;
        scion_key_add(key, kind);
        scion_key_add(key, scion_kernels_threads());
}

void scion_key_add(struct scion_key *key, int64_t word)
{
        assert(key->count < SCION_KEY_WORDS);
        key->word[key->count++] = word;
}

void scion_key_add_shape(struct scion_key *key, const struct scion_shape *shape)
{
        scion_key_add(key, shape->ndim);
        for (int i = 0; i < shape->ndim; i++)
                scion_key_add(key, shape->dim[i]);
}

static size_t key_bytes(const struct scion_key *key)
{
        return (size_t)key->count * sizeof key->word[0];
}

struct scion_kernel *scion_kernel_find(const struct scion_key *key)
{
        uint64_t hash = XXH3_64bits(key->word, key_bytes(key));

        for (struct scion_kernel *kernel = mine ? mine->bucket[hash % BUCKETS] : NULL; kernel;
             kernel = kernel->next)
                if (kernel->hash == hash && kernel->key.count == key->count &&
                    memcmp(kernel->key.word, key->word, key_bytes(key)) == 0)
                        return kernel;
        return NULL;
}

/* Kernels run one at a time on a thread, so they share working memory, which is as large as the largest request. */
static bool worker_grow_scratch(struct worker *worker, size_t bytes)
{
        bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (bytes <= worker->usage.scratch)
                return true;
        void *scratch = aligned_alloc(ALIGNMENT, bytes);

        if (!scratch)
                return scion_fail("out of memory: %zu bytes of working memory for a kernel", bytes);
        free(worker->scratch);
        worker->scratch = scratch;
        worker->usage.scratch = bytes;
        return true;
}

static bool kernel_add_argument(struct scion_kernel *kernel, int argument, const dnnl_memory_desc_t *md,
                                dnnl_memory_t *memory)
{
        if (!scion_dnnl_check(kernel->operation,
                              dnnl_memory_create(memory, md, scion_dnnl_engine(), DNNL_MEMORY_NONE)))
                return false;
        kernel->argument[kernel->arguments++] = (dnnl_exec_arg_t){ .arg = argument, .memory = *memory };
        return true;
}

/* For a batch normalisation oneDNN also reports DNNL_ARG_WEIGHTS, an older argument that has scale and shift in one
 * array. The kernels here use two arrays. */
static bool operand_is_unused(const struct scion_kernel *kernel, int operand)
{
        return kernel->key.word[KIND] == SCION_KERNEL_BATCH_NORM &&
               (operand == SCION_WEIGHT || operand == SCION_WEIGHT_GRAD);
}

static bool kernel_add_arguments(struct scion_kernel *kernel)
{
        const dnnl_memory_desc_t *md;

        for (int i = 0; i < SCION_OPERANDS; i++) {
                md = dnnl_primitive_desc_query_md(kernel->pd, dnnl_query_exec_arg_md, argument_of[i]);
                if (!md || md->ndims == 0 || operand_is_unused(kernel, i))
                        continue;
                kernel->bytes[i] = dnnl_memory_desc_get_size(md);
                if (i != SCION_WORKSPACE && !scion_layout_intern(md, &kernel->dtype[i], &kernel->layout[i]))
                        return false;
                if (!kernel_add_argument(kernel, argument_of[i], md, &kernel->memory[i]))
                        return false;
        }
        md = dnnl_primitive_desc_query_md(kernel->pd, dnnl_query_scratchpad_md, 0);
        kernel->scratch = md ? dnnl_memory_desc_get_size(md) : 0;
        return kernel->scratch == 0 ||
               kernel_add_argument(kernel, DNNL_ARG_SCRATCHPAD, md, &kernel->scratch_memory);
}

static struct scion_kernel *kernel_create(const struct scion_key *key, const char *operation)
{
        if (!worker_ready(key))
                return NULL;
        struct scion_kernel *kernel = calloc(1, sizeof *kernel);

        if (!kernel)
                return scion_fail_null("%s: out of memory", operation);
        kernel->hash = XXH3_64bits(key->word, key_bytes(key));
        kernel->key = *key;
        kernel->operation = operation;
        return kernel;
}

/* Adds the kernel to the table if it is complete and there is working memory for it. Otherwise destroys it and returns
 * NULL. */
static struct scion_kernel *kernel_keep(struct scion_kernel *kernel, bool complete)
{
        if (!complete || !worker_grow_scratch(mine, kernel->scratch)) {
                kernel_destroy(kernel);
                return NULL;
        }
        kernel->next = mine->bucket[kernel->hash % BUCKETS];
        mine->bucket[kernel->hash % BUCKETS] = kernel;
        mine->usage.kernels++;
        return kernel;
}

struct scion_kernel *scion_kernel_make(const struct scion_key *key, const char *operation,
                                       dnnl_primitive_desc_t pd)
{
        struct scion_kernel *kernel = kernel_create(key, operation);

        if (!kernel) {
                dnnl_primitive_desc_destroy(pd);
                return NULL;
        }
        kernel->pd = pd;
        return kernel_keep(kernel,
                           scion_dnnl_check(operation, dnnl_primitive_create(&kernel->primitive, pd)) &&
                                   kernel_add_arguments(kernel));
}

struct scion_kernel *scion_kernel_make_loop(const struct scion_key *key, const char *operation,
                                            const struct scion_loop *loop)
{
        struct scion_kernel *kernel = kernel_create(key, operation);

        if (!kernel)
                return NULL;
        kernel->loop = *loop;
        kernel->scratch = loop->scratch * (size_t)key->word[THREADS];
        memcpy(kernel->layout, loop->layout, sizeof kernel->layout);
        kernel->bytes[SCION_WORKSPACE] = loop->workspace;
        return kernel_keep(kernel, true);
}

struct scion_kernel *scion_kernel_describe(const struct scion_key *key, const char *operation,
                                           const_dnnl_op_desc_t descriptor,
                                           const_dnnl_primitive_attr_t attributes,
                                           const struct scion_kernel *forward)
{
        dnnl_primitive_desc_t pd;

        if (!worker_ready(key)) /* the choice of a primitive depends on the number of threads */
                return NULL;
        if (!attributes)
                attributes = scion_dnnl_attributes();
        if (!scion_dnnl_check(operation,
                              dnnl_primitive_desc_create(&pd, descriptor, attributes, scion_dnnl_engine(),
                                                         forward ? forward->pd : NULL)))
                return NULL;
        return scion_kernel_make(key, operation, pd);
}

const struct scion_layout *scion_cpu_kernel_layout(const struct scion_kernel *kernel,
                                                   enum scion_operand operand, enum scion_dtype *dtype)
{
        *dtype = kernel->dtype[operand];
        return kernel->layout[operand];
}

size_t scion_cpu_kernel_bytes(const struct scion_kernel *kernel, enum scion_operand operand)
{
        return kernel->bytes[operand];
}

struct loop_run {
        const struct scion_loop *loop;
        void *const *data;
        char *scratch;
};

static void loop_part(void *context, int part, int64_t from, int64_t to)
{
        const struct loop_run *run = context;

        run->loop->run(run->loop, run->data, run->scratch + (size_t)part * run->loop->scratch, from, to);
}

bool scion_cpu_kernel_run(void *self, struct scion_kernel *kernel,
                          const struct scion_array *const operand[SCION_OPERANDS])
{
        struct worker *worker = worker_ready(&kernel->key);
        void *data[SCION_OPERANDS];

        (void)self;
        if (!worker)
                return false;
        for (int i = 0; i < SCION_OPERANDS; i++)
                data[i] = scion_cpu_data_or_null(operand[i]);
        worker->usage.operations += kernel->operations;
        if (kernel->loop.run) {
                scion_parallel((int)kernel->key.word[THREADS], kernel->loop.units, 1, loop_part,
                               &(struct loop_run){ &kernel->loop, data, worker->scratch });
                return true;
        }
        for (int i = 0; i < SCION_OPERANDS; i++) {
                if (!kernel->memory[i])
                        continue;
                assert(data[i]);
                if (!scion_dnnl_check(kernel->operation,
                                      dnnl_memory_set_data_handle(kernel->memory[i], data[i])))
                        return false;
        }
        if (kernel->scratch_memory &&
            !scion_dnnl_check(kernel->operation,
                              dnnl_memory_set_data_handle(kernel->scratch_memory, worker->scratch)))
                return false;
        return scion_dnnl_check(kernel->operation,
                                dnnl_primitive_execute(kernel->primitive, worker->stream, kernel->arguments,
                                                       kernel->argument));
}
