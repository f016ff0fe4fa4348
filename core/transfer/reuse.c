#include "transfer/reuse.h"

#include <scion/error.h>
#include <scion/tape.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "nn/module.h"
#include "tensor/tape.h"

#define MOST_KEPT ((size_t)1 << 29) /* bytes; what needs more is computed anew in each step */
#define MOST_WANTED 16
#define FILL_BATCH 256 /* nothing is kept for a backward pass, so it can be larger than training's */

/* What one module makes of each example, or takes. */
struct kept {
        struct scion_module *module; /* NULL: what the whole chain makes */
        bool input;
        struct scion_shape shape;      /* of one example */
        size_t width;                  /* floats of it */
        struct scion_storage *rows;    /* float32 [examples, width] */
        struct scion_tensor *gathered; /* for the batch at hand; NULL: not yet */
};

struct scion_reuse {
        struct scion_data *data;
        /* The batch at hand, and where it is from: */
        const struct scion_batches *batches;
        const struct scion_batch *batch;
        /* Which kept row each row of the data's store has, on the host and on the device. */
        int32_t *kept_row;
        int64_t store_rows;
        struct scion_storage *row_map; /* int32 [store_rows]; NULL until it is uploaded */
        size_t bytes;                  /* of all that is kept */
        uint64_t writes;               /* into parameters, when they were last looked at */
        bool given_up;
        /* Of the source: */
        struct kept want[MOST_WANTED];
        int wanted;
        bool tried;           /* to fill them */
        uint64_t source_hash; /* of the values that they were made by */
        bool source_doubted;
        /* Of the target: */
        bool looked;
        size_t frozen; /* modules at its front without anything to train, at the last batch */
        size_t front;  /* those that `prefix` stands for */
        struct kept prefix;
        uint64_t front_hash; /* of the values that it was made by */
        bool front_doubted;
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

static size_t examples_of(const struct scion_reuse *reuse)
{
        return (size_t)scion_data_size(reuse->data, SCION_TRAIN);
}

static void kept_drop(struct scion_reuse *reuse, struct kept *kept)
{
        if (kept->rows)
                reuse->bytes -= kept->rows->bytes;
        scion_storage_destroy(kept->rows);
        kept->rows = NULL;
        kept->gathered = NULL;
}

void scion_reuse_destroy(struct scion_reuse *reuse)
{
        if (!reuse)
                return;
        for (int i = 0; i < reuse->wanted; i++)
                kept_drop(reuse, &reuse->want[i]);
        kept_drop(reuse, &reuse->prefix);
        free(reuse->kept_row);
        scion_storage_destroy(reuse->row_map);
        free(reuse);
}

void scion_reuse_batch(struct scion_reuse *reuse, const struct scion_batches *batches,
                       const struct scion_batch *batch)
{
        reuse->batches = batches;
        reuse->batch = batch;
        reuse->prefix.gathered = NULL;
        for (int i = 0; i < reuse->wanted; i++)
                reuse->want[i].gathered = NULL;
}

void scion_reuse_doubt(struct scion_reuse *reuse)
{
        reuse->source_doubted = reuse->front_doubted = true;
        reuse->writes = scion_parameter_writes();
}

void scion_reuse_give_up(struct scion_reuse *reuse)
{
        reuse->given_up = true;
}

/* Within an epoch nobody looks whose values they were: the next one is soon enough to keep what is made of others. A
 * run that is gone on with, which begins with an epoch, does the same. */
static bool is_trusted(const struct scion_reuse *reuse, const struct scion_batch *batch)
{
        return !reuse->given_up && batch == reuse->batch && reuse->writes == scion_parameter_writes();
}

/* --- Filling -------------------------------------------------------------------------------------------- */

/* Notes which kept rows the examples of a batch have: `first` and those after it. */
static bool rows_note(struct scion_reuse *reuse, const struct scion_batches *batches, int64_t first,
                      int64_t count)
{
        for (int64_t i = 0; i < count; i++) {
                int64_t row = scion_batches_row(batches, i);

                if (row >= reuse->store_rows) {
                        int64_t rows = row < 512 ? 1024 : 2 * row;
                        int32_t *longer = realloc(reuse->kept_row, (size_t)rows * sizeof *longer);

                        if (!longer)
                                return false;
                        memset(longer + reuse->store_rows, 0,
                               (size_t)(rows - reuse->store_rows) * sizeof *longer);
                        reuse->kept_row = longer;
                        reuse->store_rows = rows;
                }
                reuse->kept_row[row] = (int32_t)(first + i);
        }
        return true;
}

/* The rows stay as they are once they were noted: the split does not change. */
static bool row_map_upload(struct scion_reuse *reuse)
{
        size_t bytes = (size_t)reuse->store_rows * sizeof *reuse->kept_row;

        if (!reuse->row_map)
                reuse->row_map = scion_storage_create(bytes);
        return reuse->row_map && scion_storage_write(reuse->row_map, 0, reuse->kept_row, bytes);
}

static struct scion_tensor *made_by(const struct kept *kept, struct scion_tensor *result)
{
        if (!kept->module)
                return result;
        return kept->input ? kept->module->input : kept->module->output;
}

/* Keeps the rows of a batch that has just gone through the module. The first batch allocates memory for all. */
static bool rows_keep(struct scion_reuse *reuse, struct kept *kept, struct scion_tensor *made, int64_t first,
                      int64_t count)
{
        made = scion_tensor_row_major(made);
        if (!made || made->shape.ndim < 1 || made->shape.dim[0] != count)
                return false;
        if (!kept->rows) {
                kept->shape = made->shape;
                kept->width = (size_t)(scion_size(made) / count);
                size_t bytes = kept->width * sizeof(float) * examples_of(reuse);

                if (bytes > MOST_KEPT - reuse->bytes || !(kept->rows = scion_storage_create(bytes)))
                        return false;
                reuse->bytes += bytes;
        }
        size_t bytes = kept->width * (size_t)count * sizeof(float);

        return (size_t)scion_size(made) == kept->width * (size_t)count &&
               scion_storage_copy(made->storage, made->offset, kept->rows,
                                  (size_t)first * kept->width * sizeof(float), bytes);
}

static struct scion_tensor *run(const struct scion_modules *chain, size_t count, struct scion_tensor *x)
{
        for (size_t i = 0; i < count; i++)
                x = scion_nn_forward(chain->module[i], x);
        return x;
}

/* Takes all examples through the first modules of the chain, and keeps what `kept` wants of them. */
static bool fill(struct scion_reuse *reuse, const struct scion_modules *chain, size_t length,
                 struct kept *kept, int count)
{
        struct scion_batches *batches = scion_batches_create(reuse->data, SCION_TRAIN, FILL_BATCH);
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
                struct scion_tensor *result = run(chain, length, batch.inputs);

                good = result && rows_note(reuse, batches, first, batch.size);
                for (int i = 0; good && i < count; i++)
                        good = rows_keep(reuse, &kept[i], made_by(&kept[i], result), first, batch.size);
        }
        scion_no_grad_end();
        if (tape)
                scion_tape_use(before);
        scion_tape_destroy(tape);
        scion_batches_destroy(batches);
        good = good && next == SCION_NEXT_END && row_map_upload(reuse);
        for (int i = 0; !good && i < count; i++)
                kept_drop(reuse, &kept[i]);
        return good;
}

/* The rows of the batch at hand, as a tensor. */
static struct scion_tensor *rows_gather(const struct scion_reuse *reuse, struct kept *kept)
{
        const struct scion_tensor *index = scion_batches_index(reuse->batches);
        struct scion_shape shape = kept->shape;

        if (kept->gathered)
                return kept->gathered;
        shape.dim[0] = (int64_t)examples_of(reuse);
        const struct scion_array rows = scion_array_over(kept->rows, 0, shape, SCION_F32);
        const struct scion_array map =
                scion_array_over(reuse->row_map, 0, SCION_SHAPE(reuse->store_rows), SCION_I32);

        shape.dim[0] = reuse->batch->size;
        struct scion_tensor *row = scion_tensor_new(SCION_SHAPE(reuse->batch->size), SCION_I32, NULL);
        struct scion_tensor *x = row ? scion_tensor_float(shape, NULL) : NULL;

        if (!x || !SCION_ON_DEVICE(gather, &map, &index->array, NULL, NULL, &row->array) ||
            !SCION_ON_DEVICE(gather, &rows, &row->array, NULL, NULL, &x->array))
                return NULL;
        kept->gathered = x;
        return x;
}

/* The hash of all values of a model, buffers included. */
static uint64_t hash_all(const struct scion_model *model)
{
        void *copy = NULL;
        const void *values = scion_storage_view(model->values, &copy);
        uint64_t hash = values ? XXH3_64bits(values, model->values->bytes) : 0;

        free(copy);
        return hash;
}

/* --- The source ----------------------------------------------------------------------------------------- */

static struct kept *find(struct scion_reuse *reuse, const struct scion_module *module, bool input)
{
        for (int i = 0; i < reuse->wanted; i++)
                if (reuse->want[i].module == module && reuse->want[i].input == input)
                        return &reuse->want[i];
        return NULL;
}

void scion_reuse_want(struct scion_reuse *reuse, struct scion_module *module, bool input)
{
        if (!find(reuse, module, input) && reuse->wanted < MOST_WANTED)
                reuse->want[reuse->wanted++] = (struct kept){ .module = module, .input = input };
}

static bool has_substitutes(const struct scion_model *model)
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
        struct kept *kept = is_trusted(reuse, batch) ? find(reuse, module, input) : NULL;
        struct scion_module *root = source->root;
        const struct scion_modules chain = { .count = 1, .module = &root };

        if (!kept || has_substitutes(source))
                return NULL;
        if (!reuse->tried || reuse->source_doubted) {
                uint64_t hash = hash_all(source);

                for (int i = 0; hash != reuse->source_hash && i < reuse->wanted; i++)
                        kept_drop(reuse, &reuse->want[i]);
                if (!reuse->tried || hash != reuse->source_hash) {
                        fill(reuse, &chain, 1, reuse->want, reuse->wanted);
                        scion_model_forget_tensors(source);
                }
                reuse->source_hash = hash;
                reuse->source_doubted = false;
                reuse->tried = true;
        }
        return kept->rows ? rows_gather(reuse, kept) : NULL;
}

/* --- The target ----------------------------------------------------------------------------------------- */

void scion_reuse_look(struct scion_reuse *reuse)
{
        reuse->looked = true;
}

/* Is the parameter that of the module, or of one below it? */
static bool is_below(const struct scion_parameter *parameter, const struct scion_module *module)
{
        size_t length = strlen(module->path);

        return strncmp(parameter->name, module->path, length) == 0 && parameter->name[length] == '.';
}

/* Modules right below a sequential root that are before the first one with something to train, when there is
 * something frozen among them. */
static size_t count_frozen(const struct scion_model *model)
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
                if (is_below(&model->parameter[first], root->child.module[i]))
                        return is_below(&model->parameter[0], root->child.module[i]) ? 0 : i;
        return 0;
}

/* Buffers that move in training, though no parameter beside them is trained. */
static bool has_free_buffers(const struct scion_module *module)
{
        bool buffers = false, parameters = false;

        for (int i = 0; i < module->declared; i++) {
                buffers = buffers || module->parameter[i].buffer;
                parameters = parameters || !module->parameter[i].buffer;
        }
        bool has = buffers && !parameters;

        for (size_t i = 0; !has && scion_module_below(module, i); i++)
                has = has_free_buffers(scion_module_below(module, i));
        return has;
}

/* Of these modules, those that draw no random numbers in training; and what they make of the batch then. The current
 * tape is not the step's, whose draws are counted. */
static size_t count_steady(const struct scion_modules *chain, size_t count, const struct scion_batch *batch,
                           struct scion_tensor **made)
{
        struct scion_tape *tape = scion_tape_current();
        size_t steady = 0;

        *made = batch->inputs;
        for (; steady < count && !has_free_buffers(chain->module[steady]); steady++) {
                struct scion_tensor *x = scion_nn_forward(chain->module[steady], *made);

                if (!x || scion_tape_draws(tape) > 0)
                        return x ? steady : 0;
                *made = x;
        }
        return steady;
}

/* Compares up to rounding, which depends on how many examples are computed together. */
static bool is_like(struct scion_tensor *kept, struct scion_tensor *made)
{
        const double rounding = scion_device.settings.bf16 ? 0.05 : 1e-3;

        if (!kept || !made || !scion_shape_equal(&kept->shape, &made->shape))
                return false;
        float largest = scion_item(scion_max(scion_abs(made), SCION_ALL_AXES, false));
        float apart = scion_item(scion_max(scion_abs(scion_sub(kept, made)), SCION_ALL_AXES, false));

        return (double)apart <= rounding * (double)largest;
}

/* The hash of the values in the first modules of the chain, which may be written though nothing trains them. */
static uint64_t hash_values(const struct scion_model *model, const struct scion_modules *chain, size_t count)
{
        void *copy = NULL;
        const char *values = scion_storage_view(model->values, &copy);
        uint64_t hash = 0;

        for (int i = 0; values && i < model->count + model->buffers; i++) {
                const struct scion_parameter *parameter = &model->parameter[i];
                bool below = false;

                for (size_t k = 0; k < count && !below; k++)
                        below = is_below(parameter, chain->module[k]);
                if (below)
                        hash = XXH3_64bits_withSeed(values + parameter->value.offset,
                                                    parameter->value.length * sizeof(float), hash);
        }
        free(copy);
        return hash;
}

/* Finds out how much of the frozen modules can be kept, fills in what is, and sees whether it is what a step would
 * have made: modules may do otherwise in training, or by what else is in the batch. */
static void try_prefix(struct scion_reuse *reuse, struct scion_model *target)
{
        const struct scion_modules *chain = &target->root->child;
        struct scion_tape *trial = scion_tape_create();
        struct scion_tape *step = trial ? scion_tape_use(trial) : NULL;
        struct scion_tensor *made, *kept;

        if (!trial)
                return;
        scion_tape_set_training(trial, true);
        scion_no_grad_begin();
        reuse->front = count_steady(chain, reuse->frozen, reuse->batch, &made);
        if (reuse->front > 0)
                reuse->front_hash = hash_values(target, chain, reuse->front);
        if (reuse->front > 0 && fill(reuse, chain, reuse->front, &reuse->prefix, 1)) {
                scion_tape_use(step);
                kept = rows_gather(reuse, &reuse->prefix);
                if (!kept || !is_like(kept, made))
                        kept_drop(reuse, &reuse->prefix);
        }
        scion_no_grad_end();
        scion_tape_use(step);
        scion_tape_destroy(trial);
}

/* Makes the prefix of so many frozen modules, of which it stands for as many as can be. */
static void make_prefix(struct scion_reuse *reuse, struct scion_model *target, size_t frozen)
{
        kept_drop(reuse, &reuse->prefix);
        reuse->frozen = frozen;
        reuse->front = 0;
        reuse->prefix = (struct kept){ .module = NULL };
        if (frozen > 0)
                try_prefix(reuse, target);
        scion_model_forget_tensors(target);
}

struct scion_tensor *scion_reuse_target(struct scion_reuse *reuse, struct scion_model *target,
                                        const struct scion_batch *batch)
{
        const struct scion_modules *chain = &target->root->child;

        if (reuse->looked || !is_trusted(reuse, batch))
                return NULL;
        size_t frozen = count_frozen(target);

        if (frozen != reuse->frozen ||
            (reuse->front_doubted && hash_values(target, chain, reuse->front) != reuse->front_hash))
                make_prefix(reuse, target, frozen);
        reuse->front_doubted = false;
        if (!reuse->prefix.rows)
                return NULL;
        struct scion_tensor *x = rows_gather(reuse, &reuse->prefix);

        for (size_t i = reuse->front; i < chain->count; i++)
                x = scion_nn_forward(chain->module[i], x);
        target->root->output = x; /* what it would have made had it been run */
        return x;
}
