/* The tape: the memory of a step, the recorded operations, and the backward pass. */
#include "tensor/tape.h"

#include <scion/random.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/gradient.h"
#include "tensor/trace.h"

#if defined(__SANITIZE_ADDRESS__)
#define SCION_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SCION_ASAN 1
#endif
#endif
#ifdef SCION_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#define CHUNK ((size_t)64 << 10)
#define ALIGNMENT ((size_t)64)
#define CLASSES 160 /* size classes: four between consecutive powers of two, up to 2^46 bytes */

/* Host memory from which structures are allocated consecutively. A reset makes all chunks empty. */
struct chunk {
        struct chunk *next;
        size_t size, used;
        _Alignas(ALIGNMENT) char memory[];
};

/* Device memory for the elements of a tensor. */
struct block {
        struct scion_storage storage; /* first, so that storage_block() can convert the pointer */
        struct block *next, *before;  /* in the list `live` or `free`; `before` is valid only in `live` */
        int class;
};

struct scion_tape {
        struct chunk *first, *chunk;
        struct block *live;          /* blocks in use in this step */
        struct block *free[CLASSES]; /* unused blocks of each size class */
        struct scion_node *last;
        struct scion_tensor *leaves; /* tensors given to scion_require_grad() */
        struct scion_tape_usage usage;
        bool training;
        bool allows_reuse; /* the current backward function called scion_grad_allow_reuse() */
        bool broken;       /* memory ran out while recording */
        uint64_t seed, step, draws;
};

static _Thread_local struct scion_tape *current;
static _Thread_local int no_grad;

struct scion_tape *scion_tape_create(void)
{
        struct scion_tape *tape = calloc(1, sizeof *tape);

        return tape ? tape : scion_fail_null("out of memory");
}

#ifdef SCION_ASAN
static void block_poison(struct block *block)
{
        void *memory = scion_storage_map(&block->storage);

        if (memory)
                POISON(memory, block->storage.bytes);
}

static void block_unpoison(struct block *block)
{
        void *memory = scion_storage_map(&block->storage);

        if (memory)
                UNPOISON(memory, block->storage.bytes);
}
#else
#define block_poison(block) ((void)(block))
#define block_unpoison(block) ((void)(block))
#endif

static void blocks_free(struct block *block)
{
        while (block) {
                struct block *next = block->next;

                block_unpoison(block);
                scion_storage_release(&block->storage);
                free(block);
                block = next;
        }
}

void scion_tape_destroy(struct scion_tape *tape)
{
        if (!tape)
                return;
        if (current == tape)
                current = NULL;
        while (tape->first) {
                struct chunk *next = tape->first->next;

                UNPOISON(tape->first->memory, tape->first->size);
                free(tape->first);
                tape->first = next;
        }
        blocks_free(tape->live);
        for (int i = 0; i < CLASSES; i++)
                blocks_free(tape->free[i]);
        free(tape);
}

struct scion_tape *scion_tape_use(struct scion_tape *tape)
{
        struct scion_tape *before = current;

        current = tape;
        return before;
}

void scion_tape_reset(struct scion_tape *tape)
{
        for (struct block *block = tape->live, *next; block; block = next) {
                next = block->next;
                block->next = tape->free[block->class];
                tape->free[block->class] = block;
                block_poison(block);
        }
        tape->live = NULL;
        for (struct chunk *chunk = tape->first; chunk; chunk = chunk->next) {
                POISON(chunk->memory, chunk->used);
                chunk->used = 0;
        }
        tape->chunk = tape->first;
        tape->last = NULL;
        tape->leaves = NULL;
        tape->broken = false;
        tape->usage.tensors = 0;
}

void scion_tape_set_training(struct scion_tape *tape, bool training)
{
        tape->training = training;
}

bool scion_tape_training(const struct scion_tape *tape)
{
        return tape->training;
}

void scion_tape_set_seed(struct scion_tape *tape, uint64_t seed, uint64_t step)
{
        tape->seed = seed;
        tape->step = step;
        tape->draws = 0;
}

/* Streams of different steps do not overlap as long as a step draws fewer than 2^12, that is, as long as a model has fewer
 * dropout layers. */
void scion_tape_random(struct scion_tape *tape, struct scion_random *random)
{
        *random = scion_random(tape->seed, SCION_RANDOM_DROPOUT, (tape->step << 12) + tape->draws++);
}

uint64_t scion_tape_draws(const struct scion_tape *tape)
{
        return tape->draws;
}

struct scion_tape_usage scion_tape_usage(const struct scion_tape *tape)
{
        return tape->usage;
}

void scion_no_grad_begin(void)
{
        no_grad++;
}

void scion_no_grad_end(void)
{
        if (no_grad > 0)
                no_grad--;
}

struct scion_tape *scion_tape_current(void)
{
        return current ? current : scion_refuse_null("no tape is current on this thread");
}

static struct chunk *chunk_add(struct scion_tape *tape, size_t bytes)
{
        size_t size = bytes > CHUNK ? bytes : CHUNK;
        struct chunk *chunk =
                aligned_alloc(ALIGNMENT, (sizeof *chunk + size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);

        if (!chunk)
                return scion_fail_null("out of memory");
        *chunk = (struct chunk){ .size = size };
        POISON(chunk->memory, size);
        if (tape->chunk) {
                chunk->next = tape->chunk->next;
                tape->chunk->next = chunk;
        } else {
                tape->first = chunk;
        }
        tape->usage.bytes += sizeof *chunk + size;
        tape->usage.allocations++;
        return chunk;
}

void *scion_tape_alloc(size_t bytes)
{
        struct scion_tape *tape = scion_tape_current();

        if (!tape)
                return NULL;
        bytes = (bytes + 15) / 16 * 16;
        while (!tape->chunk || tape->chunk->size - tape->chunk->used < bytes) {
                struct chunk *next = tape->chunk ? tape->chunk->next : NULL;

                if (!next && !(next = chunk_add(tape, bytes)))
                        return NULL;
                tape->chunk = next;
        }
        void *memory = tape->chunk->memory + tape->chunk->used;

        tape->chunk->used += bytes;
        UNPOISON(memory, bytes);
        return memset(memory, 0, bytes);
}

/* Rounds up to the size of a size class, which is at most a quarter more, and sets *class to its index. */
static size_t bytes_size_class(size_t bytes, int *class)
{
        if (bytes <= 64) {
                *class = 0;
                return 64;
        }
        int octave = 63 - __builtin_clzll(bytes - 1); /* bytes is above 2^octave, at most twice that */
        size_t base = (size_t)1 << octave;
        size_t steps = (bytes - base + base / 4 - 1) / (base / 4); /* 1 .. 4 */

        *class = (octave - 6) * 4 + (int)steps;
        return (base + steps * (base / 4) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Allocates a block from the device. NULL, with a message, when memory is out. */
static struct block *block_create(struct scion_tape *tape, size_t size, int class)
{
        struct block *block = malloc(sizeof *block);

        if (!block)
                return scion_fail_null("out of memory");
        block->class = class;
        if (!scion_storage_allocate(&block->storage, size)) {
                free(block);
                return NULL;
        }
        tape->usage.bytes += sizeof *block + size;
        tape->usage.allocations++;
        return block;
}

struct scion_storage *scion_tape_buffer(size_t bytes)
{
        struct scion_tape *tape = scion_tape_current();
        int class;

        if (!tape)
                return NULL;
        if (bytes > (size_t)1 << 45)
                return scion_refuse_null("a tensor of %zu bytes is too large", bytes);
        size_t size = bytes_size_class(bytes, &class);
        struct block *block = tape->free[class];

        if (block)
                tape->free[class] = block->next;
        else if (!(block = block_create(tape, size, class)))
                return NULL;
        block->next = tape->live;
        block->before = NULL;
        if (tape->live)
                tape->live->before = block;
        tape->live = block;
        block_unpoison(block);
        return &block->storage;
}

/* Moves a block from the list of blocks in use to the free list of its size class. */
static void block_release(struct scion_tape *tape, struct block *block)
{
        *(block->before ? &block->before->next : &tape->live) = block->next;
        if (block->next)
                block->next->before = block->before;
        block->next = tape->free[block->class];
        tape->free[block->class] = block;
        block_poison(block);
}

static struct block *storage_block(struct scion_storage *storage)
{
        return (struct block *)storage;
}

struct scion_tensor *scion_tape_tensor(void)
{
        struct scion_tensor *x = scion_tape_alloc(sizeof *x);

        if (x) {
                x->tape = current;
                current->usage.tensors++;
        }
        return x;
}

struct scion_tensor *scion_require_grad(struct scion_tensor *x)
{
        if (!scion_check_float("require_grad", x))
                return NULL;
        if (x->node)
                x->keeps_grad = true;
        if (x->requires_grad)
                return x;
        if (!x->tape)
                return scion_refuse_null("require_grad: the parameter is frozen");
        x->requires_grad = true;
        x->next_leaf = x->tape->leaves;
        x->tape->leaves = x;
        return x;
}

bool scion_recording(void)
{
        return no_grad == 0;
}

bool scion_wants_grad(const struct scion_tensor *x)
{
        return x && x->requires_grad && no_grad == 0;
}

struct scion_node *scion_record(const struct scion_op *op, struct scion_tensor *output,
                                struct scion_tensor *a, struct scion_tensor *b, struct scion_tensor *c,
                                size_t saved_bytes)
{
        if (scion_tracing() && output)
                scion_trace_forward(op, output, a, b, c);
        if (!output || !(scion_wants_grad(a) || scion_wants_grad(b) || scion_wants_grad(c)))
                return NULL;
        struct scion_node *node = scion_tape_alloc(sizeof *node + saved_bytes);

        if (!node) {
                current->broken = true;
                return NULL;
        }
        *node = (struct scion_node){
                .op = op, .output = output, .input = { a, b, c }, .saved = node + 1, .previous = current->last
        };
        current->last = node;
        output->node = node;
        output->requires_grad = true;
        return node;
}

/* Clears the gradients of an earlier backward pass, except those of parameters. */
static void tape_clear_gradients(struct scion_tape *tape)
{
        for (struct scion_node *node = tape->last; node; node = node->previous)
                node->output->has_grad = false;
        for (struct scion_tensor *leaf = tape->leaves; leaf; leaf = leaf->next_leaf)
                leaf->has_grad = false;
}

static bool tensor_uses_storage(const struct scion_tensor *x, const struct scion_storage *storage)
{
        return x && (x->storage == storage || (x->row_major && x->row_major->storage == storage));
}

/* Returns whether an output or input of the node, or a gradient of one, lies in the storage. */
static bool node_uses_storage(const struct scion_node *node, const struct scion_storage *storage)
{
        bool held = tensor_uses_storage(node->output, storage) ||
                    tensor_uses_storage(node->output->grad, storage);

        for (int i = 0; i < SCION_MAX_INPUTS; i++)
                if (node->input[i])
                        held = held || tensor_uses_storage(node->input[i], storage) ||
                               tensor_uses_storage(node->input[i]->grad, storage);
        return held;
}

/* Releases the memory that a backward function which called scion_grad_allow_reuse() no longer needs: the blocks allocated
 * after `last`, and the output's gradient, unless that is shared or was requested by scion_require_grad(). */
static void node_release_memory(struct scion_tape *tape, const struct scion_node *node,
                                const struct block *last)
{
        struct scion_tensor *output = node->output, *grad = output->grad;

        for (struct block *block = tape->live, *next; block && block != last; block = next) {
                next = block->next;
                if (!node_uses_storage(node, &block->storage))
                        block_release(tape, block);
        }
        if (!output->owns_grad || output->keeps_grad || grad->row_major || !grad->own_memory ||
            grad->tape != tape)
                return;
        output->has_grad = output->owns_grad = false;
        output->grad = NULL;
        block_release(tape, storage_block(grad->storage));
}

void scion_grad_allow_reuse(void)
{
        current->allows_reuse = true;
}

static bool tape_run_backward(struct scion_tape *tape)
{
        for (struct scion_node *node = tape->last; node; node = node->previous) {
                if (!node->output->has_grad)
                        continue;
                struct block *last = tape->live;

                tape->allows_reuse = false;
                if (scion_tracing())
                        scion_trace_backward_begin();
                if (!node->op->backward(node))
                        return scion_fail_prefix("gradient of %s", node->op->name);
                if (tape->allows_reuse)
                        node_release_memory(tape, node, last);
                if (scion_tracing())
                        scion_trace_backward_end(node);
        }
        return true;
}

bool scion_backward(struct scion_tensor *loss)
{
        if (!loss)
                return false;
        struct scion_tape *tape = scion_tape_current();

        if (!tape || !scion_check_float("backward", loss))
                return false;
        if (tape->broken)
                return scion_fail("backward: memory ran out while the step was recorded");
        if (loss->tape && loss->tape != tape)
                return scion_refuse("backward: the loss belongs to another tape than the current one");
        if (scion_size(loss) != 1) {
                char text[96];

                return scion_refuse("backward: the loss must be one number, its shape is %s",
                                    scion_shape_text(&loss->shape, text, sizeof text));
        }
        if (!loss->requires_grad)
                return scion_refuse("backward: the loss depends on no tensor that requires a gradient");

        tape_clear_gradients(tape);
        scion_no_grad_begin();
        bool good = scion_grad_add(loss, scion_full(loss->shape, 1)) && tape_run_backward(tape);
        scion_no_grad_end();
        return good;
}
