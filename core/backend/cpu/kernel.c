#include "backend/cpu/kernel.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "backend/cpu/parallel.h"

#define BUCKETS 512
#define KIND 0    /* the word of a key that says which */
#define THREADS 1 /* how many */
#define ALIGNMENT ((size_t)64)

/* What a thread has of its own. Memory objects hold the pointers of one run, so threads cannot share them. */
struct worker {
        int threads; /* that the OpenMP run-time has promised this thread */
        dnnl_stream_t stream;
        void *scratch;
        struct scion_backend_usage usage;
        struct scion_kernel *bucket[BUCKETS];
};

static atomic_int threads_wanted = 1;
static atomic_bool bf16_wanted = false;
static _Thread_local struct worker *mine;
static pthread_key_t ending;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Which argument of oneDNN's each operand is. */
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

void scion_backend_set_threads(int threads)
{
        atomic_store(&threads_wanted, threads < 1 ? 1 : threads);
}

bool scion_backend_set_bf16(bool bf16)
{
        return atomic_exchange(&bf16_wanted, bf16);
}

int scion_kernels_threads(void)
{
        return atomic_load_explicit(&threads_wanted, memory_order_relaxed);
}

bool scion_backend_bf16(void)
{
        return atomic_load_explicit(&bf16_wanted, memory_order_relaxed);
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

static void make_key(void)
{
        pthread_key_create(&ending, worker_destroy);
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
        pthread_once(&once, make_key);
        pthread_setspecific(ending, worker);
        return worker;
}

/* A kernel is made for a number of threads, which is the one in its key whatever is wanted by now. */
static struct worker *worker_ready(const struct scion_key *key)
{
        int threads = (int)key->word[THREADS];

        if (!mine)
                mine = worker_create();
        if (mine && mine->threads != threads) {
                if (!scion_threads_promise(threads))
                        return NULL;
                mine->threads = threads;
        }
        return mine;
}

bool scion_kernels_ready(const struct scion_key *key)
{
        return worker_ready(key) != NULL;
}

struct scion_backend_usage scion_backend_usage(void)
{
        return mine ? mine->usage : (struct scion_backend_usage){ 0 };
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

/* Kernels run one at a time on a thread, so they share their working memory: the most that one of them needs. */
static bool grow_scratch(struct worker *worker, size_t bytes)
{
        bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (bytes <= worker->usage.scratch)
                return true;
        void *scratch = aligned_alloc(ALIGNMENT, bytes);

        if (!scratch)
                return scion_fail("out of memory: %zu bytes for a kernel to work in", bytes);
        free(worker->scratch);
        worker->scratch = scratch;
        worker->usage.scratch = bytes;
        return true;
}

static bool add_argument(struct scion_kernel *kernel, int argument, const dnnl_memory_desc_t *md,
                         dnnl_memory_t *memory)
{
        if (!scion_dnnl_check(kernel->operation,
                              dnnl_memory_create(memory, md, scion_dnnl_engine(), DNNL_MEMORY_NONE)))
                return false;
        kernel->argument[kernel->arguments++] = (dnnl_exec_arg_t){ .arg = argument, .memory = *memory };
        return true;
}

/* A normalisation's scale and shift answer to the weight's number as well: together they are an older argument,
 * which is not used. */
static bool is_unused(const struct scion_kernel *kernel, int operand)
{
        return kernel->key.word[KIND] == SCION_KERNEL_BATCH_NORM &&
               (operand == SCION_WEIGHT || operand == SCION_WEIGHT_GRAD);
}

static bool add_arguments(struct scion_kernel *kernel)
{
        const dnnl_memory_desc_t *md;

        for (int i = 0; i < SCION_OPERANDS; i++) {
                md = dnnl_primitive_desc_query_md(kernel->pd, dnnl_query_exec_arg_md, argument_of[i]);
                if (!md || md->ndims == 0 || is_unused(kernel, i))
                        continue;
                kernel->bytes[i] = dnnl_memory_desc_get_size(md);
                if (i != SCION_WORKSPACE && !scion_layout_intern(md, &kernel->layout[i]))
                        return false;
                if (!add_argument(kernel, argument_of[i], md, &kernel->memory[i]))
                        return false;
        }
        md = dnnl_primitive_desc_query_md(kernel->pd, dnnl_query_scratchpad_md, 0);
        kernel->scratch = md ? dnnl_memory_desc_get_size(md) : 0;
        return kernel->scratch == 0 || add_argument(kernel, DNNL_ARG_SCRATCHPAD, md, &kernel->scratch_memory);
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

/* Into the table, when it was made well and has memory to work in; else it goes. */
static struct scion_kernel *kernel_keep(struct scion_kernel *kernel, bool good)
{
        if (!good || !grow_scratch(mine, kernel->scratch)) {
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
                                   add_arguments(kernel));
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

        if (!worker_ready(key)) /* what the descriptor chooses depends on the number of threads */
                return NULL;
        if (!attributes)
                attributes = scion_dnnl_attributes();
        if (!scion_dnnl_check(operation,
                              dnnl_primitive_desc_create(&pd, descriptor, attributes, scion_dnnl_engine(),
                                                         forward ? forward->pd : NULL)))
                return NULL;
        return scion_kernel_make(key, operation, pd);
}

const struct scion_layout *scion_kernel_layout(const struct scion_kernel *kernel, enum scion_operand operand)
{
        return kernel->layout[operand];
}

size_t scion_kernel_bytes(const struct scion_kernel *kernel, enum scion_operand operand)
{
        return kernel->bytes[operand];
}

struct loop_run {
        const struct scion_loop *loop;
        void *const *data;
        char *scratch;
};

static void run_loop(void *context, int part, int64_t from, int64_t to)
{
        const struct loop_run *run = context;

        run->loop->run(run->loop, run->data, run->scratch + (size_t)part * run->loop->scratch, from, to);
}

bool scion_kernel_run(struct scion_kernel *kernel, void *const data[SCION_OPERANDS])
{
        struct worker *worker = worker_ready(&kernel->key);

        if (!worker)
                return false;
        worker->usage.operations += kernel->operations;
        if (kernel->loop.run) {
                scion_parallel((int)kernel->key.word[THREADS], kernel->loop.units, 1, run_loop,
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
