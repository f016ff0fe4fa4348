/* Opens a dataset: reads the chosen examples from the plugin, transforms and normalises them, and uploads them. */
#include "data/data.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/parts.h"
#include "data/transform.h"
#include "plugin/params.h"
#include "plugin/plugin.h"

const char *const scion_split_names[SCION_SPLITS] = { "train", "valid", "test" };

static const char *const normalize_choices[] = { "none", "standard", NULL };

const struct scion_param scion_data_params[] = {
        SCION_INTS(struct scion_data_options, classes, NULL,
                   "only these classes, renumbered 0, 1, ... in this order; left out: all", .min = 0,
                   .max = INT32_MAX),
        SCION_INT(struct scion_data_options, per_class, 0,
                  "training examples of each class, drawn by the seed; 0: all", .min = 0),
        SCION_INT(struct scion_data_options, limit, 0,
                  "at most so many training examples, drawn by the seed; 0: all", .min = 0),
        SCION_FLOAT(struct scion_data_options, valid, 0,
                    "share of the training examples held out for validation, of each class alike", .min = 0,
                    .max = 1, .below_max = true),
        SCION_CHOICE(struct scion_data_options, normalize, normalize_choices, SCION_NORMALIZE_NONE,
                     "standard: subtract the training split's mean and divide by its deviation"),
        SCION_BOOL(struct scion_data_options, unlabelled, false,
                   "offer all training examples, also what per_class and limit leave out, without labels"),
        SCION_PARAMS_END
};

const char *const scion_data_keys[] = { "classes",   "per_class",  "limit",     "valid",
                                        "normalize", "unlabelled", "transform", NULL };

#define MAX_VALUES ((int64_t)1 << 45) /* floats that the address space can hold */

/* The state of scion_data_open(). */
struct opening {
        const struct scion_config *map;
        const struct scion_dataset_plugin *plugin;
        void *self;
        struct scion_dataset_info info;
        int64_t values; /* values of an input before the transforms */
        struct scion_data_options options;
        struct scion_transforms transforms;
        int32_t *labels[SCION_SPLITS]; /* the plugin's labels; NULL when targets are floats */
        struct scion_subset subset;
        struct scion_data *data;
};

/* --- Parameters ----------------------------------------------------------------------------------------- */

static bool name_is_key(const char *name)
{
        const char *const *key = scion_data_keys;

        while (*key && strcmp(*key, name) != 0)
                key++;
        return *key != NULL;
}

/* Checks that no parameter of the plugin has the name of an engine's key, whose value it would also receive. */
static bool plugin_check_names(const struct scion_plugin *plugin)
{
        for (const struct scion_param *param = plugin->params; param && param->type != SCION_PARAM_END;
             param++)
                if (name_is_key(param->name))
                        return scion_fail(
                                "dataset '%s': its parameter '%s' has the name of a key that works on "
                                "every dataset; the plugin must rename it",
                                plugin->name, param->name);
        return true;
}

/* Checks that `classes` is a list. A single number is probably meant for the plugin's num_classes. */
static bool opening_check_classes(const struct opening *opening)
{
        const struct scion_config *classes = scion_config_get(opening->map, "classes");

        if (!classes || classes->kind != SCION_CONFIG_SCALAR)
                return true;
        return scion_config_fail(classes, "classes: takes a list of the classes to keep, such as [0, 1, 2]%s",
                                 scion_params_find(opening->plugin->params, "num_classes")
                                         ? "; num_classes sets their number"
                                         : "");
}

/* Reads the engine's keys. The plugin's keys were checked when its instance was created. */
static bool opening_read_options(struct opening *opening)
{
        const struct scion_config *map = opening->map;
        const char **others = calloc(map->count + 1, sizeof *others);
        size_t count = 0;
        char owner[256];

        if (!others)
                return scion_fail("out of memory");
        for (size_t i = 0; i < map->count; i++)
                if (!scion_params_find(scion_data_params, map->entry[i].key))
                        others[count++] = map->entry[i].key;
        snprintf(owner, sizeof owner, "dataset '%s'", opening->plugin->name);
        bool good = scion_params_fill(scion_data_params, map, owner, others, &opening->options);

        free(others);
        return good;
}

/* --- The plugin's info --------------------------------------------------------------------- */

/* Returns the largest possible number of values of all inputs together. */
static int64_t data_max_values(void)
{
        return SIZE_MAX / 16 < MAX_VALUES ? (int64_t)(SIZE_MAX / 16) : MAX_VALUES;
}

int64_t scion_data_check_info(const struct scion_dataset_info *info)
{
        int64_t most = data_max_values();
        int64_t values = 1, examples = 0;

        if (info->shape.ndim < 1 || info->shape.ndim >= SCION_MAX_DIMS) {
                scion_fail("an input has %d axes; 1 to %d are possible", info->shape.ndim,
                           SCION_MAX_DIMS - 1);
                return -1;
        }
        for (int split = 0; split < SCION_SPLITS; split++) {
                if (info->size[split] < 0 || info->size[split] > most - examples ||
                    info->size[split] > INT32_MAX) {
                        scion_fail("%lld %s examples are impossible", (long long)info->size[split],
                                   scion_split_names[split]);
                        return -1;
                }
                examples += info->size[split];
        }
        if (info->size[SCION_TRAIN] == 0) {
                scion_fail("it has no training examples");
                return -1;
        }
        if (info->element != SCION_U8 && info->element != SCION_F32) {
                scion_fail("unknown element type %d", (int)info->element);
                return -1;
        }
        if (info->classes < 0 || info->classes > INT32_MAX ||
            (info->classes == 0 && (info->targets < 1 || info->targets > most / examples))) {
                scion_fail("%lld classes and %lld values of a target are impossible",
                           (long long)info->classes, (long long)info->targets);
                return -1;
        }
        for (int i = 0; i < info->shape.ndim; i++) {
                if (info->shape.dim[i] < 1 || info->shape.dim[i] > most / examples / values) {
                        char text[160];

                        scion_fail("%lld examples of shape %s are impossible", (long long)examples,
                                   scion_shape_text(&info->shape, text, sizeof text));
                        return -1;
                }
                values *= info->shape.dim[i];
        }
        return values;
}

/* Reads an example; `input` may be NULL. False, with a message that names the example, on failure. */
static bool example_read(const struct opening *opening, enum scion_split split, int64_t index, void *input,
                         void *target)
{
        if (opening->plugin->read(opening->self, split, index, input, target))
                return true;
        return scion_fail_prefix("%s example %lld", scion_split_names[split], (long long)index);
}

static bool opening_read_labels(struct opening *opening)
{
        const struct scion_dataset_info *info = &opening->info;

        for (int split = 0; info->classes > 0 && split < SCION_SPLITS; split++) {
                int32_t *labels = malloc((size_t)info->size[split] * sizeof *labels + 1);

                opening->labels[split] = labels;
                if (!labels)
                        return scion_fail("out of memory for %lld labels", (long long)info->size[split]);
                for (int64_t i = 0; i < info->size[split]; i++) {
                        if (!example_read(opening, (enum scion_split)split, i, NULL, &labels[i]))
                                return false;
                        if (labels[i] < 0 || labels[i] >= info->classes)
                                return scion_fail("%s example %lld has label %d; labels are 0 to %lld",
                                                  scion_split_names[split], (long long)i, (int)labels[i],
                                                  (long long)info->classes - 1);
                }
        }
        return true;
}

/* --- Inputs --------------------------------------------------------------------------------------------- */

/* Reads an example and applies the transforms to its input. */
static bool input_read(struct opening *opening, enum scion_split split, int64_t index, void *input,
                       void *target)
{
        struct scion_transforms *transforms = &opening->transforms;
        void *raw = transforms->count > 0 ? scion_transforms_input(transforms) : input;

        if (!example_read(opening, split, index, raw, target))
                return false;
        if (opening->info.element == SCION_F32 && !scion_floats_finite(raw, opening->values))
                return scion_fail("%s example %lld has an input that is infinite or not a number",
                                  scion_split_names[split], (long long)index);
        if (transforms->count > 0)
                scion_transforms_apply(transforms, (struct scion_example){ split, index }, input);
        return true;
}

/* Computes mean and deviation over the whole training split, not over the chosen subset, so that all subsets of a dataset
 * are normalised alike. */
static bool opening_measure(struct opening *opening)
{
        struct scion_data *data = opening->data;
        size_t target_bytes =
                opening->info.classes > 0 ? sizeof(int32_t) : (size_t)opening->info.targets * sizeof(float);
        struct scion_moments moments = { 0 };
        void *input = malloc((size_t)(data->channels * data->area) * scion_dtype_bytes(data->element));
        void *target = malloc(target_bytes);
        bool good = scion_moments_start(&moments, data->element, data->channels, data->area);

        if (!input || !target)
                good = scion_fail("out of memory");
        for (int64_t i = 0; good && i < opening->info.size[SCION_TRAIN]; i++) {
                good = input_read(opening, SCION_TRAIN, i, input, target);
                if (good)
                        scion_moments_add(&moments, input);
        }
        if (good)
                scion_moments_normal(&moments, data->normal);
        scion_moments_finish(&moments);
        free(input);
        free(target);
        return good;
}

static bool opening_set_normal(struct opening *opening)
{
        struct scion_data *data = opening->data;

        data->normal = calloc((size_t)data->channels, sizeof *data->normal);
        if (!data->normal)
                return scion_fail("out of memory");
        for (int64_t c = 0; c < data->channels; c++)
                data->normal[c].divisor = scion_element_divisor(data->element);
        return opening->options.normalize != SCION_NORMALIZE_STANDARD || opening_measure(opening);
}

/* An array whose rows are being written on the host. */
struct writing {
        struct scion_array *array;
        char *memory; /* where the rows are written */
        void *copy;   /* to be uploaded; NULL if `memory` is the device's */
        size_t row;   /* bytes */
};

/* Allocates an array of `count` rows of shape `row` and begins to write it. False, with a message, on failure. */
static bool writing_begin(struct writing *writing, struct scion_array *array, size_t count,
                          struct scion_shape row, enum scion_dtype dtype)
{
        struct scion_shape shape = { .ndim = row.ndim + 1, .dim = { (int64_t)count } };
        size_t bytes = (size_t)scion_shape_size(&row) * scion_dtype_bytes(dtype);
        struct scion_storage *storage = malloc(sizeof *storage);

        memcpy(shape.dim + 1, row.dim, (size_t)row.ndim * sizeof row.dim[0]);
        if (!storage || !scion_storage_allocate(storage, count * bytes)) {
                free(storage);
                return false;
        }
        *array = scion_array_over(storage, 0, shape, dtype);
        *writing = (struct writing){ .array = array, .row = bytes };
        writing->memory = scion_storage_begin_write(storage, &writing->copy);
        scion_memory_use_large_pages(writing->memory, count * bytes);
        return writing->memory != NULL;
}

static void *writing_row(const struct writing *writing, int64_t i)
{
        return writing->memory + (size_t)i * writing->row;
}

static bool writing_finish(struct writing *writing)
{
        return !writing->array || scion_storage_finish_write(writing->array->storage, writing->copy);
}

/* Allocates the arrays for `count` examples, which are inputs and either labels or targets, and begins to write them. */
static bool store_begin(const struct opening *opening, struct scion_store *store, enum scion_split split,
                        size_t count, struct writing *inputs, struct writing *answers)
{
        const struct scion_data *data = opening->data;
        bool classes = data->classes > 0;

        if (writing_begin(inputs, &store->inputs, count, data->shape, data->element) &&
            (classes ? writing_begin(answers, &store->labels, count, SCION_SCALAR, SCION_I32)
                     : writing_begin(answers, &store->targets, count, SCION_SHAPE(data->targets), SCION_F32)))
                return true;
        return scion_fail("out of memory: %zu %s examples of %zu bytes; load fewer with %s", count,
                          scion_split_names[split],
                          (size_t)(data->channels * data->area) * scion_dtype_bytes(data->element),
                          opening->options.unlabelled ? "classes" : "classes, per_class or limit");
}

/* Reads example `i` of the chosen ones into row i of the arrays. */
static bool example_load(struct opening *opening, const struct scion_chosen *chosen, int64_t i,
                         const struct writing *inputs, const struct writing *answers)
{
        const struct scion_data *data = opening->data;
        void *input = writing_row(inputs, i), *answer = writing_row(answers, i);

        if (!input_read(opening, chosen->from, chosen->index[i], input, answer))
                return false;
        if (data->classes > 0)
                *(int32_t *)answer = opening->subset.number[opening->labels[chosen->from][chosen->index[i]]];
        for (int64_t c = 0; data->element == SCION_F32 && c < data->channels; c++)
                scion_normalize_floats((float *)input + c * data->area, data->area, data->normal[c]);
        return true;
}

/* Reads the examples chosen for a split onto the device. */
static bool split_load(struct opening *opening, enum scion_split split, const struct scion_chosen *chosen)
{
        struct scion_data *data = opening->data;
        struct scion_store *store = &data->store[split];
        struct writing inputs = { 0 }, answers = { 0 };

        data->split[split] = (struct scion_examples){ .count = chosen->count, .store = store };
        if (chosen->count == 0)
                return true;
        bool good = store_begin(opening, store, split, (size_t)chosen->count, &inputs, &answers);

        for (int64_t i = 0; good && i < chosen->count; i++)
                good = example_load(opening, chosen, i, &inputs, &answers);
        good = writing_finish(&inputs) && good;
        return writing_finish(&answers) && good;
}

/* Uploads each channel's scale and offset, with which batches of uint8 inputs are normalised when they are gathered. */
static bool data_upload_normal(struct scion_data *data)
{
        size_t channels = (size_t)data->channels;
        struct writing scale = { 0 }, offset = { 0 };

        if (data->element != SCION_U8)
                return true;
        bool good = writing_begin(&scale, &data->scale, channels, SCION_SCALAR, SCION_F32) &&
                    writing_begin(&offset, &data->offset, channels, SCION_SCALAR, SCION_F32);

        for (int64_t c = 0; good && c < data->channels; c++) {
                const struct scion_normal normal = data->normal[c];

                *(float *)writing_row(&scale, c) = (float)(1 / normal.divisor);
                *(float *)writing_row(&offset, c) = (float)(-normal.mean / normal.divisor);
        }
        good = writing_finish(&scale) && good;
        return writing_finish(&offset) && good;
}

/* --- Opening --------------------------------------------------------------------------------------- */

/* Calls the plugin's open() and reads all labels. The caller adds the dataset's place in the file to messages. */
static bool opening_open_plugin(struct opening *opening, uint64_t seed)
{
        scion_error_clear();
        if (!opening->plugin->open(opening->self, seed, &opening->info))
                return scion_plugin_failed("open");
        opening->values = scion_data_check_info(&opening->info);
        return opening->values >= 0 && opening_read_labels(opening);
}

/* Plans the transforms and sets the form of the data's inputs. */
static bool opening_plan_inputs(struct opening *opening, uint64_t seed)
{
        const struct scion_dataset_info *info = &opening->info;
        struct scion_form form = { info->shape, info->element, info->element == SCION_U8 };
        struct scion_data *data = opening->data;
        int64_t examples = 0;

        for (int split = 0; split < SCION_SPLITS; split++)
                examples += info->size[split];
        if (!scion_transforms_plan(&opening->transforms, &form, data_max_values() / examples, seed))
                return false;
        data->shape = form.shape;
        data->element = form.element;
        data->targets = info->classes > 0 ? 0 : info->targets;
        data->channels = form.shape.ndim == 3 ? form.shape.dim[0] : 1;
        data->area = 1;
        for (int i = form.shape.ndim == 3; i < form.shape.ndim; i++)
                data->area *= form.shape.dim[i];
        return true;
}

/* Makes all examples loaded for the training split the unlabelled ones, and reduces the training split to the chosen
 * ones. */
static bool opening_split_pool(struct opening *opening)
{
        const struct scion_chosen *pool = &opening->subset.pool;
        const struct scion_chosen *chosen = &opening->subset.split[SCION_TRAIN];
        struct scion_examples *train = &opening->data->split[SCION_TRAIN];

        opening->data->unlabelled = *train;
        if (chosen->count == pool->count)
                return true;
        train->count = chosen->count;
        train->index = malloc((size_t)chosen->count * sizeof *train->index);
        if (!train->index)
                return scion_fail("out of memory");
        /* Both lists are in increasing order. */
        for (int64_t i = 0, n = 0; n < chosen->count; i++)
                if (pool->index[i] == chosen->index[n])
                        train->index[n++] = i;
        return true;
}

static bool opening_load(struct opening *opening)
{
        const struct scion_subset *subset = &opening->subset;
        bool pool = opening->options.unlabelled;
        bool good = opening_set_normal(opening);

        for (int split = 0; good && split < SCION_SPLITS; split++)
                good = split_load(opening, (enum scion_split)split,
                                  split == SCION_TRAIN && pool ? &subset->pool : &subset->split[split]);
        return good && data_upload_normal(opening->data) && (!pool || opening_split_pool(opening));
}

static bool opening_fail(const struct opening *opening)
{
        const struct scion_config *use = scion_config_get(opening->map, "use");

        return scion_config_fail(use ? use : opening->map, "dataset '%s': %s", opening->plugin->name,
                                 scion_error());
}

static bool opening_run(struct opening *opening, uint64_t seed)
{
        if (!plugin_check_names((const struct scion_plugin *)opening->plugin))
                return opening_fail(opening);
        if (!opening_check_classes(opening) || !opening_read_options(opening) ||
            !scion_transforms_read(&opening->transforms, opening->map))
                return false;
        if (!opening_open_plugin(opening, seed))
                return opening_fail(opening);
        if (!opening_plan_inputs(opening, seed))
                return false;
        if (!scion_subset_choose(&opening->subset, &opening->options, opening->map, &opening->info,
                                 opening->labels, seed))
                return false;
        opening->data->classes = opening->subset.classes;
        return opening_load(opening) || opening_fail(opening);
}

struct scion_data *scion_data_open(const struct scion_config *map, uint64_t seed)
{
        struct scion_instance *instance = scion_instance_create(SCION_DATASET, map, scion_data_keys);

        if (!instance)
                return NULL;
        struct opening opening = { .map = map,
                                   .plugin = (const struct scion_dataset_plugin *)instance->plugin,
                                   .self = instance->self };
        struct scion_data *data = calloc(1, sizeof *data);
        bool good = false;

        opening.data = data;
        if (data)
                good = opening_run(&opening, seed);
        else
                scion_fail("out of memory");

        /* All examples have been read, so the plugin is no longer needed. */
        scion_subset_finish(&opening.subset);
        scion_transforms_finish(&opening.transforms);
        for (int split = 0; split < SCION_SPLITS; split++)
                free(opening.labels[split]);
        scion_params_release(scion_data_params, &opening.options);
        scion_instance_destroy(instance);
        if (good)
                return data;
        scion_data_close(data);
        return NULL;
}

void scion_data_close(struct scion_data *data)
{
        if (!data)
                return;
        for (int split = 0; split < SCION_SPLITS; split++) {
                scion_storage_destroy(data->store[split].inputs.storage);
                scion_storage_destroy(data->store[split].labels.storage);
                scion_storage_destroy(data->store[split].targets.storage);
                free(data->split[split].index);
        }
        scion_storage_destroy(data->scale.storage);
        scion_storage_destroy(data->offset.storage);
        free(data->normal);
        free(data);
}

bool scion_data_complete(struct scion_config *map)
{
        return scion_params_complete(scion_data_params, map) && scion_transforms_complete(map);
}

struct scion_shape scion_data_shape(const struct scion_data *data)
{
        return data->shape;
}

int64_t scion_data_classes(const struct scion_data *data)
{
        return data->classes;
}

int64_t scion_data_outputs(const struct scion_data *data)
{
        return data->classes > 0 ? data->classes : data->targets;
}

int64_t scion_data_size(const struct scion_data *data, enum scion_split split)
{
        return data->split[split].count;
}

int64_t scion_data_unlabelled(const struct scion_data *data)
{
        return data->unlabelled.count;
}
