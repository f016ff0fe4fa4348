#include "transfer/reuse.h"

#include <scion/error.h>
#include <scion/tape.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "nn/module.h"
#include "tensor/tape.h"

#define MAX_STORED_BYTES ((size_t)1 << 29) /* what needs more is computed again in each step */
#define MAX_RECORDED 16
#define STORE_BATCH 256 /* larger than training's batches, because nothing is kept for a backward pass */

/* What one module makes of each example, or takes. */
struct stored {
        struct scion_module *module;   /* NULL: the result of the whole chain */
        bool input;                    /* its input, not its output */
        struct scion_shape shape;      /* of a batch; the first dimension is not used */
        size_t width;                  /* floats of one example */
        struct scion_storage *rows;    /* float32 [examples, width]; NULL: nothing is stored */
        struct scion_tensor *gathered; /* the rows of the batch that was set; NULL: not gathered yet */
};

struct scion_reuse {
        struct scion_data *data;
        /* The batch that was set, and the batches that gave it: */
        const struct scion_batches *batches;
        const struct scion_batch *batch;
        /* Maps rows of the data to stored rows, on the host and on the device: */
        int32_t *host_row_map;
        int64_t row_map_length;
        struct scion_storage *row_map; /* int32 [row_map_length]; NULL until it is uploaded */
        size_t bytes;                  /* of everything stored */
        uint64_t writes;               /* scion_parameter_writes() at the last recheck */
        bool disabled;
        /* Of the source: */
        struct stored source_stored[MAX_RECORDED];
        int recorded;
        bool tried;           /* to compute them */
        uint64_t source_hash; /* of the values that they were computed with */
        bool recheck_source;
        /* Of the target: */
        bool front_runs; /* in every step */
        size_t frozen;   /* modules at the front with nothing to train, in the last step */
        size_t front;    /* modules whose result `prefix` is */
        struct stored prefix;
        uint64_t front_hash; /* of the values that it was computed with */
        bool recheck_front;
};

struct scion_reuse *scion_reuse_create(struct scion_data *data)
{
        struct scion_reuse *reuse = calloc(1, sizeof *reuse);

        if (!reuse)
                return scion_fail_null("out of memory");
        reuse->data = data;
        reuse->writes = scion_parameter_writes();
        return reuse;
}

static size_t reuse_examples(const struct scion_reuse *reuse)
{
        return (size_t)scion_data_size(reuse->data, SCION_TRAIN);
}

static void stored_drop(struct scion_reuse *reuse, struct stored *stored)
{
        if (stored->rows)
                reuse->bytes -= stored->rows->bytes;
        scion_storage_destroy(stored->rows);
        stored->rows = NULL;
        stored->gathered = NULL;
}

void scion_reuse_destroy(struct scion_reuse *reuse)
{
        if (!reuse)
                return;
        for (int i = 0; i < reuse->recorded; i++)
                stored_drop(reuse, &reuse->source_stored[i]);
        stored_drop(reuse, &reuse->prefix);
        free(reuse->host_row_map);
        scion_storage_destroy(reuse->row_map);
        free(reuse);
}

void scion_reuse_set_batch(struct scion_reuse *reuse, const struct scion_batches *batches,
                           const struct scion_batch *batch)
{
        reuse->batches = batches;
        reuse->batch = batch;
        reuse->prefix.gathered = NULL;
        for (int i = 0; i < reuse->recorded; i++)
                reuse->source_stored[i].gathered = NULL;
}

void scion_reuse_recheck(struct scion_reuse *reuse)
{
        reuse->recheck_source = reuse->recheck_front = true;
        reuse->writes = scion_parameter_writes();
}

void scion_reuse_disable(struct scion_reuse *reuse)
{
        reuse->disabled = true;
}

/* After a write into a parameter, stored outputs are not used until the next epoch, which checks the hashes. A run that
 * resumes begins with an epoch, so it does the same. */
static bool reuse_is_current(const struct scion_reuse *reuse, const struct scion_batch *batch)
{
        return !reuse->disabled && batch == reuse->batch && reuse->writes == scion_parameter_writes();
}

/* --- Storing -------------------------------------------------------------------------------------------- */

/* Maps the examples of a batch to the stored rows from `first` on. */
static bool row_map_add(struct scion_reuse *reuse, const struct scion_batches *batches, int64_t first,
                        int64_t count)
{
        for (int64_t i = 0; i < count; i++) {
                int64_t row = scion_batches_row(batches, i);

                if (row >= reuse->row_map_length) {
                        int64_t rows = row < 512 ? 1024 : 2 * row;
                        int32_t *longer = realloc(reuse->host_row_map, (size_t)rows * sizeof *longer);

                        if (!longer)
                                return false;
                        memset(longer + reuse->row_map_length, 0,
                               (size_t)(rows - reuse->row_map_length) * sizeof *longer);
                        reuse->host_row_map = longer;
                        reuse->row_map_length = rows;
                }
                reuse->host_row_map[row] = (int32_t)(first + i);
        }
        return true;
}

/* Uploads the map. It is the same each time, because the split does not change. */
static bool row_map_upload(struct scion_reuse *reuse)
{
        size_t bytes = (size_t)reuse->row_map_length * sizeof *reuse->host_row_map;

        if (!reuse->row_map)
                reuse->row_map = scion_storage_create(bytes);
        return reuse->row_map && scion_storage_write(reuse->row_map, 0, reuse->host_row_map, bytes);
}

static struct scion_tensor *stored_pick_tensor(const struct stored *stored, struct scion_tensor *result)
{
        if (!stored->module)
                return result;
        return stored->input ? stored->module->input : stored->module->output;
}

/* Stores the rows of a batch that has just gone through the module. The first batch allocates memory for all. */
static bool rows_store(struct scion_reuse *reuse, struct stored *stored, struct scion_tensor *made,
                       int64_t first, int64_t count)
{
        made = scion_tensor_row_major(made);
        if (!made || made->shape.ndim < 1 || made->shape.dim[0] != count)
                return false;
        if (!stored->rows) {
                stored->shape = made->shape;
                stored->width = (size_t)(scion_size(made) / count);
                size_t bytes = stored->width * sizeof(float) * reuse_examples(reuse);

                if (bytes > MAX_STORED_BYTES - reuse->bytes || !(stored->rows = scion_storage_create(bytes)))
                        return false;
                reuse->bytes += bytes;
        }
        size_t bytes = stored->width * (size_t)count * sizeof(float);

        return (size_t)scion_size(made) == stored->width * (size_t)count &&
               scion_storage_copy(made->storage, made->offset, stored->rows,
                                  (size_t)first * stored->width * sizeof(float), bytes);
}

static struct scion_tensor *chain_forward(const struct scion_modules *chain, size_t count,
                                          struct scion_tensor *x)
{
        for (size_t i = 0; i < count; i++)
                x = scion_nn_forward(chain->module[i], x);
        return x;
}

/* Runs the first `length` modules of the chain on all examples, and fills in the rows of `stored`. On failure nothing is
 * stored. */
static bool stored_fill(struct scion_reuse *reuse, const struct scion_modules *chain, size_t length,
                        struct stored *stored, int count)
{
        struct scion_batches *batches = scion_batches_create(reuse->data, SCION_TRAIN, STORE_BATCH);
        struct scion_tape *tape = batches ? scion_tape_create() : NULL;
        struct scion_tape *before = tape ? scion_tape_use(tape) : NULL;
        enum scion_next next = SCION_NEXT_FAILED;
        struct scion_batch batch;
        bool good = tape != NULL;

        scion_no_grad_begin();
        for (int64_t first = 0; good; first += batch.size) {
                scion_tape_reset(tape);
                next = scion_batches_next(batches, &batch);
                if (next != SCION_NEXT_BATCH)
                        break;
                struct scion_tensor *result = chain_forward(chain, length, batch.inputs);

                good = result && row_map_add(reuse, batches, first, batch.size);
                for (int i = 0; good && i < count; i++)
                        good = rows_store(reuse, &stored[i], stored_pick_tensor(&stored[i], result), first,
                                          batch.size);
        }
        scion_no_grad_end();
        if (tape)
                scion_tape_use(before);
        scion_tape_destroy(tape);
        scion_batches_destroy(batches);
        good = good && next == SCION_NEXT_END && row_map_upload(reuse);
        for (int i = 0; !good && i < count; i++)
                stored_drop(reuse, &stored[i]);
        return good;
}

/* Returns the rows of the batch that was set, as a tensor. NULL, with a message. */
static struct scion_tensor *rows_gather(const struct scion_reuse *reuse, struct stored *stored)
{
        const struct scion_tensor *index = scion_batches_index(reuse->batches);
        struct scion_shape shape = stored->shape;

        if (stored->gathered)
                return stored->gathered;
        shape.dim[0] = (int64_t)reuse_examples(reuse);
        const struct scion_array rows = scion_array_over(stored->rows, 0, shape, SCION_F32);
        const struct scion_array map =
                scion_array_over(reuse->row_map, 0, SCION_SHAPE(reuse->row_map_length), SCION_I32);

        shape.dim[0] = reuse->batch->size;
        struct scion_tensor *row = scion_tensor_new(SCION_SHAPE(reuse->batch->size), SCION_I32, NULL);
        struct scion_tensor *x = row ? scion_tensor_float(shape, NULL) : NULL;

        if (!x || !SCION_ON_DEVICE(gather, &map, &index->array, NULL, NULL, &row->array) ||
            !SCION_ON_DEVICE(gather, &rows, &row->array, NULL, NULL, &x->array))
                return NULL;
        stored->gathered = x;
        return x;
}

/* Returns the hash of all values of a model, buffers included. */
static uint64_t model_hash(const struct scion_model *model)
{
        void *copy = NULL;
        const void *values = scion_storage_view(model->values, &copy);
        uint64_t hash = values ? XXH3_64bits(values, model->values->bytes) : 0;

        free(copy);
        return hash;
}

/* --- The source ----------------------------------------------------------------------------------------- */

static struct stored *stored_find(struct scion_reuse *reuse, const struct scion_module *module, bool input)
{
        for (int i = 0; i < reuse->recorded; i++)
                if (reuse->source_stored[i].module == module && reuse->source_stored[i].input == input)
                        return &reuse->source_stored[i];
        return NULL;
}

void scion_reuse_record(struct scion_reuse *reuse, struct scion_module *module, bool input)
{
        if (!stored_find(reuse, module, input) && reuse->recorded < MAX_RECORDED)
                reuse->source_stored[reuse->recorded++] = (struct stored){ .module = module, .input = input };
}

static bool model_has_substitutes(const struct scion_model *model)
{
        for (int i = 0; i < model->count; i++)
                if (model->parameter[i].substitute)
                        return true;
        return false;
}

struct scion_tensor *scion_reuse_source(struct scion_reuse *reuse, struct scion_model *source,
                                        const struct scion_module *module, bool input,
                                        const struct scion_batch *batch)
{
        struct stored *stored = reuse_is_current(reuse, batch) ? stored_find(reuse, module, input) : NULL;
        struct scion_module *root = source->root;
        const struct scion_modules chain = { .count = 1, .module = &root };

        if (!stored || model_has_substitutes(source))
                return NULL;
        if (!reuse->tried || reuse->recheck_source) {
                uint64_t hash = model_hash(source);

                for (int i = 0; hash != reuse->source_hash && i < reuse->recorded; i++)
                        stored_drop(reuse, &reuse->source_stored[i]);
                if (!reuse->tried || hash != reuse->source_hash) {
                        stored_fill(reuse, &chain, 1, reuse->source_stored, reuse->recorded);
                        scion_model_forget_tensors(source);
                }
                reuse->source_hash = hash;
                reuse->recheck_source = false;
                reuse->tried = true;
        }
        return stored->rows ? rows_gather(reuse, stored) : NULL;
}

/* --- The target ----------------------------------------------------------------------------------------- */

void scion_reuse_run_front(struct scion_reuse *reuse)
{
        reuse->front_runs = true;
}

/* Returns whether the parameter belongs to the module or to one below it. */
static bool parameter_is_below(const struct scion_parameter *parameter, const struct scion_module *module)
{
        size_t length = strlen(module->path);

        return strncmp(parameter->name, module->path, length) == 0 && parameter->name[length] == '.';
}

/* Returns the number of children of a sequential root before the first one with a parameter to train; 0 unless there is
 * a frozen parameter among them. */
static size_t model_count_frozen(const struct scion_model *model)
{
        const struct scion_module *root = model->root;
        int first = 0;

        if (!scion_module_is_sequential(root) || root->replacement || root->before.count > 0 ||
            root->after.count > 0)
                return 0;
        while (first < model->count && model->parameter[first].frozen && !model->parameter[first].substitute)
                first++;
        if (first == 0 || first == model->count)
                return 0;
        for (size_t i = 0; i < root->child.count; i++)
                if (parameter_is_below(&model->parameter[first], root->child.module[i]))
                        return parameter_is_below(&model->parameter[0], root->child.module[i]) ? 0 : i;
        return 0;
}

/* Returns whether a module has buffers and no parameters: such buffers change in training even if all parameters are
 * frozen. */
static bool module_has_free_buffers(const struct scion_module *module)
{
        bool buffers = false, parameters = false;

        for (int i = 0; i < module->declared; i++) {
                buffers = buffers || module->parameter[i].buffer;
                parameters = parameters || !module->parameter[i].buffer;
        }
        bool has = buffers && !parameters;

        for (size_t i = 0; !has && scion_module_below(module, i); i++)
                has = module_has_free_buffers(scion_module_below(module, i));
        return has;
}

/* Returns how many of the first `count` modules draw no random numbers in training, and sets *made to their result for
 * the batch. The current tape must not be the step's, because its draws are counted. */
static size_t chain_count_steady(const struct scion_modules *chain, size_t count,
                                 const struct scion_batch *batch, struct scion_tensor **made)
{
        struct scion_tape *tape = scion_tape_current();
        size_t steady = 0;

        *made = batch->inputs;
        for (; steady < count && !module_has_free_buffers(chain->module[steady]); steady++) {
                struct scion_tensor *x = scion_nn_forward(chain->module[steady], *made);

                if (!x || scion_tape_draws(tape) > 0)
                        return x ? steady : 0;
                *made = x;
        }
        return steady;
}

/* Compares up to rounding, which depends on the size of the batch. */
static bool outputs_agree(struct scion_tensor *stored, struct scion_tensor *made)
{
        const double rounding = scion_device.settings.bf16 ? 0.05 : 1e-3;

        if (!stored || !made || !scion_shape_equal(&stored->shape, &made->shape))
                return false;
        float largest = scion_item(scion_max(scion_abs(made), SCION_ALL_AXES, false));
        float apart = scion_item(scion_max(scion_abs(scion_sub(stored, made)), SCION_ALL_AXES, false));

        return (double)apart <= rounding * (double)largest;
}

/* Returns the hash of the values of the first `count` modules. Code may write into them although they are frozen. */
static uint64_t chain_hash(const struct scion_model *model, const struct scion_modules *chain, size_t count)
{
        void *copy = NULL;
        const char *values = scion_storage_view(model->values, &copy);
        uint64_t hash = 0;

        for (int i = 0; values && i < model->count + model->buffers; i++) {
                const struct scion_parameter *parameter = &model->parameter[i];
                bool below = false;

                for (size_t k = 0; k < count && !below; k++)
                        below = parameter_is_below(parameter, chain->module[k]);
                if (below)
                        hash = XXH3_64bits_withSeed(values + parameter->value.offset,
                                                    parameter->value.length * sizeof(float), hash);
        }
        free(copy);
        return hash;
}

/* Stores the result of as many of the frozen modules as can be, unless it differs from what a training step computes:
 * modules may compute something else in training, or depend on the other examples of the batch. */
static void prefix_try(struct scion_reuse *reuse, struct scion_model *target)
{
        const struct scion_modules *chain = &target->root->child;
        struct scion_tape *trial = scion_tape_create();
        struct scion_tape *step = trial ? scion_tape_use(trial) : NULL;
        struct scion_tensor *made, *stored;

        if (!trial)
                return;
        scion_tape_set_training(trial, true);
        scion_no_grad_begin();
        reuse->front = chain_count_steady(chain, reuse->frozen, reuse->batch, &made);
        if (reuse->front > 0)
                reuse->front_hash = chain_hash(target, chain, reuse->front);
        if (reuse->front > 0 && stored_fill(reuse, chain, reuse->front, &reuse->prefix, 1)) {
                scion_tape_use(step);
                stored = rows_gather(reuse, &reuse->prefix);
                if (!stored || !outputs_agree(stored, made))
                        stored_drop(reuse, &reuse->prefix);
        }
        scion_no_grad_end();
        scion_tape_use(step);
        scion_tape_destroy(trial);
}

/* Replaces the prefix by one for so many frozen modules. */
static void prefix_create(struct scion_reuse *reuse, struct scion_model *target, size_t frozen)
{
        stored_drop(reuse, &reuse->prefix);
        reuse->frozen = frozen;
        reuse->front = 0;
        reuse->prefix = (struct stored){ .module = NULL };
        if (frozen > 0)
                prefix_try(reuse, target);
        scion_model_forget_tensors(target);
}

struct scion_tensor *scion_reuse_target(struct scion_reuse *reuse, struct scion_model *target,
                                        const struct scion_batch *batch)
{
        const struct scion_modules *chain = &target->root->child;

        if (reuse->front_runs || !reuse_is_current(reuse, batch))
                return NULL;
        size_t frozen = model_count_frozen(target);

        if (frozen != reuse->frozen ||
            (reuse->recheck_front && chain_hash(target, chain, reuse->front) != reuse->front_hash))
                prefix_create(reuse, target, frozen);
        reuse->recheck_front = false;
        if (!reuse->prefix.rows)
                return NULL;
        struct scion_tensor *x = rows_gather(reuse, &reuse->prefix);

        for (size_t i = reuse->front; i < chain->count; i++)
                x = scion_nn_forward(chain->module[i], x);
        target->root->output = x; /* as if the root had run */
        return x;
}
