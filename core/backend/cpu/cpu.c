/* The table of functions of the processor's back end, and its memory. */
#include "backend/cpu/cpu.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/kernel.h"

#define ALIGNMENT ((size_t)64)

static size_t bytes_round_up(size_t bytes)
{
        return bytes ? (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
}

bool scion_cpu_allocate(void *self, struct scion_storage *storage)
{
        (void)self;
        storage->memory = aligned_alloc(ALIGNMENT, bytes_round_up(storage->bytes));
        return storage->memory || scion_fail("out of memory: %zu bytes for a tensor", storage->bytes);
}

void scion_cpu_release(void *self, struct scion_storage *storage)
{
        (void)self;
        free(storage->memory);
}

void *scion_cpu_map(void *self, struct scion_storage *storage)
{
        (void)self;
        return storage->memory;
}

bool scion_cpu_upload(void *self, struct scion_storage *storage, size_t offset, const void *data,
                      size_t bytes)
{
        (void)self;
        memcpy((char *)storage->memory + offset, data, bytes);
        return true;
}

bool scion_cpu_download(void *self, struct scion_storage *storage, size_t offset, void *data, size_t bytes)
{
        (void)self;
        memcpy(data, (const char *)storage->memory + offset, bytes);
        return true;
}

/* --- Working memory ------------------------------------------------------------------------------------- */

struct scratch {
        size_t bytes;
        void *memory;
};

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

static void scratch_destroy(void *pointer)
{
        struct scratch *scratch = pointer;

        free(scratch->memory);
        free(scratch);
}

static void scratch_key_create(void)
{
        pthread_key_create(&scratch_key, scratch_destroy);
}

static struct scratch *scratch_of_thread(void)
{
        pthread_once(&scratch_once, scratch_key_create);
        struct scratch *scratch = pthread_getspecific(scratch_key);

        if (scratch)
                return scratch;
        scratch = calloc(1, sizeof *scratch);
        if (!scratch)
                return scion_fail_null("out of memory");
        pthread_setspecific(scratch_key, scratch);
        return scratch;
}

void *scion_cpu_scratch(size_t bytes)
{
        struct scratch *scratch = scratch_of_thread();

        if (!scratch || bytes <= scratch->bytes)
                return scratch ? scratch->memory : NULL;
        void *larger = aligned_alloc(ALIGNMENT, bytes_round_up(bytes));

        if (!larger)
                return scion_fail_null("out of memory: %zu bytes of working memory", bytes);
        free(scratch->memory);
        scratch->memory = larger;
        scratch->bytes = bytes;
        return larger;
}

/* --- The table ------------------------------------------------------------------------------------------ */

const struct scion_backend_plugin scion_cpu_backend = {
        .abi = SCION_ABI,
        .bytes = sizeof scion_cpu_backend,
        .param_bytes = sizeof(struct scion_param),
        .kind = SCION_BACKEND,
        .name = "cpu",
        .summary = "the processor, with oneDNN's kernels",
        .reference = "https://github.com/oneapi-src/oneDNN",
        .allocate = scion_cpu_allocate,
        .release = scion_cpu_release,
        .map = scion_cpu_map,
        .upload = scion_cpu_upload,
        .download = scion_cpu_download,
        .fill = scion_cpu_fill,
        .reorder = scion_cpu_reorder,
        .move = scion_cpu_move,
        .gather = scion_cpu_gather,
        .unary = scion_cpu_unary,
        .unary_gradient = scion_cpu_unary_gradient,
        .binary = scion_cpu_binary,
        .draw = scion_cpu_draw,
        .select = scion_cpu_select,
        .mask = scion_cpu_mask,
        .sum = scion_cpu_sum,
        .stretch = scion_cpu_stretch,
        .max = scion_cpu_max,
        .max_gradient = scion_cpu_max_gradient,
        .softmax = scion_cpu_softmax,
        .softmax_gradient = scion_cpu_softmax_gradient,
        .multiply = scion_cpu_multiply,
        .factor_layout = scion_cpu_factor_layout,
        .column_sums = scion_cpu_column_sums,
        .conv2d = scion_cpu_conv2d,
        .pool2d = scion_cpu_pool2d,
        .batch_norm = scion_cpu_batch_norm,
        .batch_norm_layout = scion_cpu_batch_norm_layout,
        .kernel_layout = scion_cpu_kernel_layout,
        .kernel_bytes = scion_cpu_kernel_bytes,
        .kernel_run = scion_cpu_kernel_run,
        .average = scion_cpu_average,
        .adaptive_average = scion_cpu_adaptive_average,
        .adaptive_average_gradient = scion_cpu_adaptive_average_gradient,
        .distance = scion_cpu_distance,
        .distance_gradient = scion_cpu_distance_gradient,
        .one_hot = scion_cpu_one_hot,
        .pick = scion_cpu_pick,
        .pick_gradient = scion_cpu_pick_gradient,
        .kl_divergence = scion_cpu_kl_divergence,
        .mmd = scion_cpu_mmd,
        .correct = scion_cpu_correct,
        .errors = scion_cpu_errors,
        .update = scion_cpu_update,
        .configure = scion_cpu_configure,
        .has_bf16 = scion_cpu_has_bf16,
        .usage = scion_cpu_usage,
        .describe = scion_cpu_describe,
        .layout_length = scion_cpu_layout_length,
        .layout_text = scion_cpu_layout_text,
};

const struct scion_backend_plugin *scion_backend_cpu(void)
{
        return &scion_cpu_backend;
}
