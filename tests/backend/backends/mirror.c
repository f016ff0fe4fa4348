/*
 * A back end for tests that imitates a device with separate memory. Its memory is a mapping that is accessible only during
 * calls of the table's functions, so code that reads or writes elements without upload() and download() is killed by
 * SIGSEGV. The functions are those of the processor's back end, called while the memory is accessible. Transfers are
 * counted.
 */
#include <pthread.h>
#include <scion/backend.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../mirror.h"

#define ARENA ((size_t)1 << 36) /* bytes of address space; pages are allocated when they are first used */
#define ALIGNMENT ((size_t)64)
#define PAGE ((size_t)4096)

/* Released memory, which is reused for a block of the same size. */
struct hole {
        struct hole *next;
        size_t bytes;
        void *memory;
};

static char *arena;
static size_t used; /* bytes from the beginning of the arena */
static struct hole *holes;
static int open_calls;
static int key =
        -1; /* protects the arena where the processor has protection keys, which cost no system call */
static pthread_mutex_t lock; /* recursive: tests run operations on several threads */
static pthread_once_t lock_once = PTHREAD_ONCE_INIT;

static void lock_create(void)
{
        pthread_mutexattr_t attributes;

        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
        pthread_mutex_init(&lock, &attributes);
}

static void memory_lock(void)
{
        pthread_once(&lock_once, lock_create);
        pthread_mutex_lock(&lock);
}

static bool arena_create(void)
{
        if (arena)
                return true;
        void *memory = mmap(NULL, ARENA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (memory == MAP_FAILED)
                return scion_fail("mirror: no addresses for its memory");
        arena = memory;
        key = pkey_alloc(0, PKEY_DISABLE_ACCESS);
        if (key >= 0 && pkey_mprotect(arena, ARENA, PROT_READ | PROT_WRITE, key) != 0) {
                pkey_free(key);
                key = -1;
        }
        return true;
}

static void memory_protect(bool open)
{
        bool failed = false;

        if (key >= 0)
                failed = pkey_set(key, open ? 0 : PKEY_DISABLE_ACCESS) != 0;
        else if (used > 0)
                failed = mprotect(arena, (used + PAGE - 1) / PAGE * PAGE,
                                  open ? PROT_READ | PROT_WRITE : PROT_NONE) != 0;
        if (failed)
                abort();
}

/* The threads of kernels are started while the memory is accessible, and are idle outside the calls. */
static void memory_open(void)
{
        memory_lock();
        if (open_calls++ == 0)
                memory_protect(true);
}

static void memory_close(void)
{
        if (--open_calls == 0)
                memory_protect(false);
        pthread_mutex_unlock(&lock);
}

/* Finds memory for the storage: a released block, or the next addresses of the arena. */
static bool arena_take(struct scion_storage *storage)
{
        size_t bytes = (storage->bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT;

        for (struct hole **at = &holes; *at; at = &(*at)->next) {
                struct hole *hole = *at;

                if (hole->bytes != bytes)
                        continue;
                storage->memory = hole->memory;
                *at = hole->next;
                free(hole);
                return true;
        }
        if (bytes > ARENA - used)
                return scion_fail("out of memory: %zu bytes on the device", storage->bytes);
        storage->memory = arena + used;
        used += bytes;
        return true;
}

static bool mirror_allocate(void *self, struct scion_storage *storage)
{
        bool good;

        (void)self;
        memory_lock();
        good = arena_create() && arena_take(storage);
        pthread_mutex_unlock(&lock);
        return good;
}

static void mirror_release(void *self, struct scion_storage *storage)
{
        struct hole *hole = malloc(sizeof *hole);

        (void)self;
        if (!hole)
                return; /* the addresses are not reused */
        memory_lock();
        *hole = (struct hole){ .next = holes,
                               .bytes = (storage->bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT,
                               .memory = storage->memory };
        holes = hole;
        pthread_mutex_unlock(&lock);
}

static bool mirror_upload(void *self, struct scion_storage *storage, size_t offset, const void *data,
                          size_t bytes)
{
        struct mirror *mirror = self;

        mirror->uploads++;
        mirror->uploaded += bytes;
        memory_open();
        memcpy((char *)storage->memory + offset, data, bytes);
        memory_close();
        return true;
}

static bool mirror_download(void *self, struct scion_storage *storage, size_t offset, void *data,
                            size_t bytes)
{
        struct mirror *mirror = self;

        mirror->downloads++;
        mirror->downloaded += bytes;
        memory_open();
        memcpy(data, (const char *)storage->memory + offset, bytes);
        memory_close();
        return true;
}

static bool mirror_fill(void *self, struct scion_array *y, double value)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->fill(NULL, y, value);

        memory_close();
        return good;
}

static bool mirror_reorder(void *self, const struct scion_array *x, struct scion_array *y)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->reorder(NULL, x, y);

        memory_close();
        return good;
}

static bool mirror_move(void *self, const struct scion_shape *shape, const struct scion_strided *from,
                        const struct scion_strided *to, bool add)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->move(NULL, shape, from, to, add);

        memory_close();
        return good;
}

static bool mirror_gather(void *self, const struct scion_array *rows, const struct scion_array *index,
                          const struct scion_array *scale, const struct scion_array *offset,
                          struct scion_array *y)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->gather(NULL, rows, index, scale, offset, y);

        memory_close();
        return good;
}

static bool mirror_unary(void *self, enum scion_unary op, float p, const struct scion_array *x,
                         struct scion_array *y)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->unary(NULL, op, p, x, y);

        memory_close();
        return good;
}

static bool mirror_unary_gradient(void *self, enum scion_unary op, float p, const struct scion_array *g,
                                  const struct scion_array *kept, struct scion_array *dx)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->unary_gradient(NULL, op, p, g, kept, dx);

        memory_close();
        return good;
}

static bool mirror_binary(void *self, enum scion_binary op, const struct scion_array *a,
                          const struct scion_array *b, struct scion_array *y)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->binary(NULL, op, a, b, y);

        memory_close();
        return good;
}

static bool mirror_draw(void *self, const struct scion_random *stream, uint64_t limit,
                        struct scion_array *kept)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->draw(NULL, stream, limit, kept);

        memory_close();
        return good;
}

static bool mirror_select(void *self, const struct scion_array *x, const struct scion_array *kept,
                          float factor, struct scion_array *y)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->select(NULL, x, kept, factor, y);

        memory_close();
        return good;
}

static bool mirror_mask(void *self, const struct scion_array *mask, struct scion_array *x)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->mask(NULL, mask, x);

        memory_close();
        return good;
}

static bool mirror_sum(void *self, const struct scion_array *x, double factor, struct scion_array *y)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->sum(NULL, x, factor, y);

        memory_close();
        return good;
}

static bool mirror_stretch(void *self, const struct scion_array *x, float factor, struct scion_array *y)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->stretch(NULL, x, factor, y);

        memory_close();
        return good;
}

static bool mirror_max(void *self, const struct scion_array *x, struct scion_array *y)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->max(NULL, x, y);

        memory_close();
        return good;
}

static bool mirror_max_gradient(void *self, const struct scion_array *x, const struct scion_array *y,
                                const struct scion_array *g, struct scion_array *dx)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->max_gradient(NULL, x, y, g, dx);

        memory_close();
        return good;
}

static bool mirror_softmax(void *self, bool logarithm, int axis, const struct scion_array *x,
                           struct scion_array *y)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->softmax(NULL, logarithm, axis, x, y);

        memory_close();
        return good;
}

static bool mirror_softmax_gradient(void *self, bool logarithm, int axis, const struct scion_array *g,
                                    const struct scion_array *y, struct scion_array *dx)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->softmax_gradient(NULL, logarithm, axis, g, y, dx);

        memory_close();
        return good;
}

static bool mirror_multiply(void *self, const char *operation, const struct scion_product *product,
                            const struct scion_array *a, const struct scion_array *b,
                            const struct scion_array *bias, struct scion_array *c)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->multiply(NULL, operation, product, a, b, bias, c);

        memory_close();
        return good;
}

static bool mirror_factor_layout(void *self, const struct scion_shape *shape, enum scion_dtype *dtype,
                                 const struct scion_layout **layout)
{
        (void)self;
        return scion_backend_cpu()->factor_layout(NULL, shape, dtype, layout);
}

static bool mirror_column_sums(void *self, const struct scion_array *x, struct scion_array *y)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->column_sums(NULL, x, y);

        memory_close();
        return good;
}

static struct scion_kernel *mirror_conv2d(void *self, enum scion_pass pass,
                                          const struct scion_geometry *geometry, bool bias)
{
        (void)self;
        return scion_backend_cpu()->conv2d(NULL, pass, geometry, bias);
}

static struct scion_kernel *mirror_pool2d(void *self, enum scion_pass pass, enum scion_pooling pooling,
                                          const struct scion_geometry *geometry,
                                          const struct scion_layout *layout)
{
        (void)self;
        return scion_backend_cpu()->pool2d(NULL, pass, pooling, geometry, layout);
}

static struct scion_kernel *mirror_batch_norm(void *self, enum scion_pass pass, const struct scion_shape *x,
                                              const struct scion_layout *layout, bool own, float eps)
{
        (void)self;
        return scion_backend_cpu()->batch_norm(NULL, pass, x, layout, own, eps);
}

static const struct scion_layout *mirror_batch_norm_layout(void *self, const struct scion_layout *layout)
{
        (void)self;
        return scion_backend_cpu()->batch_norm_layout(NULL, layout);
}

static const struct scion_layout *mirror_kernel_layout(const struct scion_kernel *kernel,
                                                       enum scion_operand operand, enum scion_dtype *dtype)
{
        return scion_backend_cpu()->kernel_layout(kernel, operand, dtype);
}

static size_t mirror_kernel_bytes(const struct scion_kernel *kernel, enum scion_operand operand)
{
        return scion_backend_cpu()->kernel_bytes(kernel, operand);
}

static bool mirror_kernel_run(void *self, struct scion_kernel *kernel,
                              const struct scion_array *const operand[SCION_OPERANDS])
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->kernel_run(NULL, kernel, operand);

        memory_close();
        return good;
}

static bool mirror_average(void *self, const struct scion_array *batch, double factor, double momentum,
                           struct scion_array *running)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->average(NULL, batch, factor, momentum, running);

        memory_close();
        return good;
}

static bool mirror_adaptive_average(void *self, const struct scion_array *x, struct scion_array *y)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->adaptive_average(NULL, x, y);

        memory_close();
        return good;
}

static bool mirror_adaptive_average_gradient(void *self, const struct scion_array *g, struct scion_array *dx)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->adaptive_average_gradient(NULL, g, dx);

        memory_close();
        return good;
}

static bool mirror_distance(void *self, bool root, const struct scion_array *a, const struct scion_array *b,
                            struct scion_array *y)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->distance(NULL, root, a, b, y);

        memory_close();
        return good;
}

static bool mirror_distance_gradient(void *self, bool root, const struct scion_array *a,
                                     const struct scion_array *b, const struct scion_array *y,
                                     const struct scion_array *g, struct scion_array *da,
                                     struct scion_array *db)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->distance_gradient(NULL, root, a, b, y, g, da, db);

        memory_close();
        return good;
}

static bool mirror_one_hot(void *self, const struct scion_array *labels, struct scion_array *y)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->one_hot(NULL, labels, y);

        memory_close();
        return good;
}

static bool mirror_pick(void *self, const struct scion_array *x, const struct scion_array *labels,
                        struct scion_array *y)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->pick(NULL, x, labels, y);

        memory_close();
        return good;
}

static bool mirror_pick_gradient(void *self, const struct scion_array *g, const struct scion_array *labels,
                                 struct scion_array *dx)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->pick_gradient(NULL, g, labels, dx);

        memory_close();
        return good;
}

static bool mirror_kl_divergence(void *self, const struct scion_array *student,
                                 const struct scion_array *teacher, double temperature,
                                 struct scion_array *value, struct scion_array *d_student,
                                 struct scion_array *d_teacher)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->kl_divergence(NULL, student, teacher, temperature, value, d_student,
                                                       d_teacher);

        memory_close();
        return good;
}

static bool mirror_mmd(void *self, const struct scion_mmd_pairs pairs[3], const struct scion_mmd *kernel,
                       struct scion_array *value)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->mmd(NULL, pairs, kernel, value);

        memory_close();
        return good;
}

static bool mirror_correct(void *self, const struct scion_array *outputs, const struct scion_array *labels,
                           struct scion_array *count)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->correct(NULL, outputs, labels, count);

        memory_close();
        return good;
}

static bool mirror_errors(void *self, const struct scion_array *outputs, const struct scion_array *targets,
                          struct scion_storage *sums)
{
        (void)self;
        memory_open();
        bool good = scion_backend_cpu()->errors(NULL, outputs, targets, sums);

        memory_close();
        return good;
}

static bool mirror_update(void *self, const struct scion_optimizer_plugin *optimizer, void *optimizer_self,
                          struct scion_span *spans, struct scion_span_arrays *arrays, int count,
                          bool *supported)
{
        (void)self;
        memory_open();
        bool good =
                scion_backend_cpu()->update(NULL, optimizer, optimizer_self, spans, arrays, count, supported);

        memory_close();
        return good;
}

static bool mirror_configure(void *self, const struct scion_device_settings *settings)
{
        (void)self;
        return scion_backend_cpu()->configure(NULL, settings);
}

static bool mirror_has_bf16(void *self)
{
        (void)self;
        return scion_backend_cpu()->has_bf16(NULL);
}

static struct scion_device_usage mirror_usage(void *self)
{
        (void)self;
        return scion_backend_cpu()->usage(NULL);
}

static void mirror_describe(void *self, char *text, size_t bytes)
{
        (void)self;
        scion_backend_cpu()->describe(NULL, text, bytes);
}

static size_t mirror_layout_length(const struct scion_layout *layout, const struct scion_shape *shape)
{
        return scion_backend_cpu()->layout_length(layout, shape);
}

static const char *mirror_layout_text(const struct scion_layout *layout, char *text, size_t bytes)
{
        return scion_backend_cpu()->layout_text(layout, text, bytes);
}

SCION_PLUGIN_BACKEND("mirror", .summary = "the processor's functions on memory that the host cannot touch",
                     .size = sizeof(struct mirror), .allocate = mirror_allocate, .release = mirror_release,
                     .upload = mirror_upload, .download = mirror_download, .fill = mirror_fill,
                     .reorder = mirror_reorder, .move = mirror_move, .gather = mirror_gather,
                     .unary = mirror_unary, .unary_gradient = mirror_unary_gradient, .binary = mirror_binary,
                     .draw = mirror_draw, .select = mirror_select, .mask = mirror_mask, .sum = mirror_sum,
                     .stretch = mirror_stretch, .max = mirror_max, .max_gradient = mirror_max_gradient,
                     .softmax = mirror_softmax, .softmax_gradient = mirror_softmax_gradient,
                     .multiply = mirror_multiply, .factor_layout = mirror_factor_layout,
                     .column_sums = mirror_column_sums, .conv2d = mirror_conv2d, .pool2d = mirror_pool2d,
                     .batch_norm = mirror_batch_norm, .batch_norm_layout = mirror_batch_norm_layout,
                     .kernel_layout = mirror_kernel_layout, .kernel_bytes = mirror_kernel_bytes,
                     .kernel_run = mirror_kernel_run, .average = mirror_average,
                     .adaptive_average = mirror_adaptive_average,
                     .adaptive_average_gradient = mirror_adaptive_average_gradient,
                     .distance = mirror_distance, .distance_gradient = mirror_distance_gradient,
                     .one_hot = mirror_one_hot, .pick = mirror_pick, .pick_gradient = mirror_pick_gradient,
                     .kl_divergence = mirror_kl_divergence, .mmd = mirror_mmd, .correct = mirror_correct,
                     .errors = mirror_errors, .update = mirror_update, .configure = mirror_configure,
                     .has_bf16 = mirror_has_bf16, .usage = mirror_usage, .describe = mirror_describe,
                     .layout_length = mirror_layout_length, .layout_text = mirror_layout_text);
