#include "transfer/reuse.h"

#include <scion/error.h>
#include <scion/tape.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "nn/module.h"
#include "tensor/tape.h"

#define MAX_STORED_BYTES ((size_t)1 << 29) /* in total; what does not fit is computed in each step */
#define MAX_RECORDED 16
#define STORE_BATCH 256 /* larger than training's batches, because nothing is kept for a backward pass */

/* The stored output, or input, of one module for every training example. */
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
        bool source_tried;    /* storing the source's outputs was attempted */
        uint64_t source_hash; /* of the values that they were computed with */
        bool recheck_source;
        /* Of the target: */
        bool front_runs; /* the target's front must run in every step, so no prefix is stored */
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
                                return scion_fail("out of memory");
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

/* Stores the rows of a batch that has just gone through the module. The first batch allocates memory for all, unless
 * they exceed the limit: then nothing of this module is stored. */
static bool rows_store(struct scion_reuse *reuse, struct stored *stored, struct scion_tensor *made,
                       int64_t first, int64_t count)
{
        if (first > 0 && !stored->rows)
                return true;
        made = scion_tensor_row_major(made);
        if (!made || made->shape.ndim < 1 || made->shape.dim[0] != count)
                return false;
        if (!stored->rows) {
                stored->shape = made->shape;
                stored->width = (size_t)(scion_size(made) / count);
                size_t bytes = stored->width * sizeof(float) * reuse_examples(reuse);

                if (bytes > MAX_STORED_BYTES - reuse->bytes)
                        return true;
                stored->rows = scion_storage_create(bytes);
                if (!stored->rows)
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

/* Runs the first `length` modules of the chain on all examples, and fills in the rows of `stored` that are within the
 * limit. Returns false, without a message, if nothing is stored: the training can do without. */
static bool stored_fill(struct scion_reuse *reuse, const struct scion_modules *chain, size_t length,
                        struct stored *stored, int count)
{
        struct scion_batches *batches = scion_batches_create(reuse->data, SCION_TRAIN, STORE_BATCH);
        struct scion_tape *tape = batches ? scion_tape_create() : NULL;
        struct scion_tape *before = tape ? scion_tape_use(tape) : NULL;
        enum scion_next next = SCION_NEXT_FAILED;
        struct scion_batch batch;
        bool good = tape != NULL, any = false;

        scion_no_grad_begin();
        for (int64_t first = 0; good; first += batch.size) {
                scion_tape_reset(tape);
                next = scion_batches_next(batches, &batch);
                if (next != SCION_NEXT_BATCH)
                        break;
                struct scion_tensor *result = chain_forward(chain, length, batch.inputs);

                good = result && row_map_add(reuse, batches, first, batch.size);
                for (int i = 0; good && i < count; i++) {
                        good = rows_store(reuse, &stored[i], stored_pick_tensor(&stored[i], result), first,
                                          batch.size);
                        any = any || stored[i].rows;
                }
                if (!any)
                        break;
        }
        scion_no_grad_end();
        if (tape)
                scion_tape_use(before);
        scion_tape_destroy(tape);
        scion_batches_destroy(batches);
        good = good && next == SCION_NEXT_END && row_map_upload(reuse);
        if (good)
                return true;
        for (int i = 0; i < count; i++)
                stored_drop(reuse, &stored[i]);
        scion_error_clear();
        return false;
}

/* Returns the rows of the batch that was set, as a tensor. Returns NULL, with a message, on failure. */
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

/* Computes the hash of all values of a model, buffers included. Returns false, with a message, if they cannot be read. */
static bool model_hash(const struct scion_model *model, uint64_t *hash)
{
        void *copy = NULL;
        const void *values = scion_storage_view(model->values, &copy);

        if (values)
                *hash = XXH3_64bits(values, model->values->bytes);
        free(copy);
        return values != NULL;
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

/* Stores the recorded outputs, in place of those that were computed with other values. Returns false, with a message, if
 * the source's values cannot be read. */
static bool source_update(struct scion_reuse *reuse, struct scion_model *source)
{
        const struct scion_modules chain = { .count = 1, .module = &source->root };
        uint64_t hash;

        if (!model_hash(source, &hash))
                return false;
        if (!reuse->source_tried || hash != reuse->source_hash) {
                for (int i = 0; i < reuse->recorded; i++)
                        stored_drop(reuse, &reuse->source_stored[i]);
                stored_fill(reuse, &chain, 1, reuse->source_stored, reuse->recorded);
                scion_model_forget_tensors(source);
        }
        reuse->source_hash = hash;
        reuse->recheck_source = false;
        reuse->source_tried = true;
        return true;
}

bool scion_reuse_source(struct scion_reuse *reuse, struct scion_model *source,
                        const struct scion_module *module, bool input, const struct scion_batch *batch,
                        struct scion_tensor **output)
{
        struct stored *stored = reuse_is_current(reuse, batch) ? stored_find(reuse, module, input) : NULL;

        *output = NULL;
        if (!stored || model_has_substitutes(source))
                return true;
        if ((!reuse->source_tried || reuse->recheck_source) && !source_update(reuse, source))
                return false;
        if (!stored->rows)
                return true;
        *output = rows_gather(reuse, stored);
        return *output != NULL;
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
                        /* 0: no frozen parameter lies before this child. */
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

/* Returns how many of the first `count` modules can be stored: they draw no random numbers in training and have no free
 * buffers. Sets *made to their result for the batch; to NULL, with a message, on failure. The current tape must be a
 * separate one: draws on the step's tape would change the step's random numbers. */
static size_t chain_count_steady(const struct scion_modules *chain, size_t count,
                                 const struct scion_batch *batch, struct scion_tensor **made)
{
        struct scion_tape *tape = scion_tape_current();
        size_t steady = 0;

        *made = batch->inputs;
        for (; steady < count && !module_has_free_buffers(chain->module[steady]); steady++) {
                struct scion_tensor *x = scion_nn_forward(chain->module[steady], *made);

                if (x && scion_tape_draws(tape) > 0)
                        break;
                *made = x;
                if (!x)
                        break;
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

/* Computes the hash of the values of the first `count` modules. Code may write into them although they are frozen.
 * Returns false, with a message, if they cannot be read. */
static bool chain_hash(const struct scion_model *model, const struct scion_modules *chain, size_t count,
                       uint64_t *hash)
{
        void *copy = NULL;
        const char *values = scion_storage_view(model->values, &copy);

        *hash = 0;
        for (int i = 0; values && i < model->count + model->buffers; i++) {
                const struct scion_parameter *parameter = &model->parameter[i];
                bool below = false;

                for (size_t k = 0; k < count && !below; k++)
                        below = parameter_is_below(parameter, chain->module[k]);
                if (below)
                        *hash = XXH3_64bits_withSeed(values + parameter->value.offset,
                                                     parameter->value.length * sizeof(float), *hash);
        }
        free(copy);
        return values != NULL;
}

/* Stores the output of the longest storable run of frozen modules at the front. Discards it if it differs from what a
 * training step computes: modules may compute something else in training, or depend on the other examples of the batch.
 * Returns false, with a message, on failure. */
static bool prefix_try(struct scion_reuse *reuse, struct scion_model *target)
{
        const struct scion_modules *chain = &target->root->child;
        struct scion_tape *trial = scion_tape_create();
        struct scion_tensor *made;

        if (!trial)
                return false;
        struct scion_tape *step = scion_tape_use(trial);

        scion_tape_set_training(trial, true);
        scion_no_grad_begin();
        reuse->front = chain_count_steady(chain, reuse->frozen, reuse->batch, &made);
        bool good =
                made && (reuse->front == 0 || chain_hash(target, chain, reuse->front, &reuse->front_hash));

        if (good && reuse->front > 0 && stored_fill(reuse, chain, reuse->front, &reuse->prefix, 1)) {
                scion_tape_use(step);
                struct scion_tensor *stored = rows_gather(reuse, &reuse->prefix);

                good = stored != NULL;
                if (!outputs_agree(stored, made))
                        stored_drop(reuse, &reuse->prefix);
        }
        scion_no_grad_end();
        scion_tape_use(step);
        scion_tape_destroy(trial);
        return good;
}

/* Replaces the prefix by one over the first `frozen` modules. Returns false, with a message, on failure. */
static bool prefix_create(struct scion_reuse *reuse, struct scion_model *target, size_t frozen)
{
        stored_drop(reuse, &reuse->prefix);
        reuse->frozen = frozen;
        reuse->front = 0;
        reuse->prefix = (struct stored){ .module = NULL };
        bool good = frozen == 0 || prefix_try(reuse, target);

        scion_model_forget_tensors(target);
        return good;
}

bool scion_reuse_target(struct scion_reuse *reuse, struct scion_model *target,
                        const struct scion_batch *batch, struct scion_tensor **outputs)
{
        const struct scion_modules *chain = &target->root->child;
        uint64_t hash = reuse->front_hash;

        *outputs = NULL;
        if (reuse->front_runs || !reuse_is_current(reuse, batch))
                return true;
        size_t frozen = model_count_frozen(target);

        if (frozen == reuse->frozen && reuse->prefix.rows && reuse->recheck_front &&
            !chain_hash(target, chain, reuse->front, &hash))
                return false;
        if ((frozen != reuse->frozen || hash != reuse->front_hash) && !prefix_create(reuse, target, frozen))
                return false;
        reuse->recheck_front = false;
        if (!reuse->prefix.rows)
                return true;
        struct scion_tensor *x = rows_gather(reuse, &reuse->prefix);

        for (size_t i = reuse->front; x && i < chain->count; i++)
                x = scion_nn_forward(chain->module[i], x);
        target->root->output = x; /* as if the root had run */
        *outputs = x;
        return x != NULL;
}
