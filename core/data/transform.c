/* The list of transforms: reads it from the file, plans it for the dataset's inputs, and applies it. */
#include "data/transform.h"

#include <stdlib.h>
#include <string.h>

#include "config/tree.h"
#include "data/parts.h"
#include "plugin/params.h"

static const char *const other_keys[] = { "use", NULL };

/* --- Reading -------------------------------------------------------------------------------------------- */

static bool kind_fail_unknown(const struct scion_config *use)
{
        struct scion_text hint = { 0 };
        const char *names[16];
        size_t count = 0;

        for (const struct scion_transform_kind *kind = scion_transform_kinds; kind->name; kind++)
                if (count < sizeof names / sizeof *names)
                        names[count++] = kind->name;
        if (!scion_suggest(&hint, use->text, names, count)) {
                scion_text_add(&hint, "; there are ");
                scion_text_add_names(&hint, names, count);
        }
        scion_config_fail(use, "no transform '%s'%s", use->text, hint.text ? hint.text : "");
        free(hint.text);
        return false;
}

static const struct scion_transform_kind *kind_find(const char *name)
{
        for (const struct scion_transform_kind *kind = scion_transform_kinds; kind->name; kind++)
                if (strcmp(name, kind->name) == 0)
                        return kind;
        return NULL;
}

/* Returns the scalar with the kind's name: the entry itself in the short form, or its `use`. NULL, with a message, when
 * there is none. */
static const struct scion_config *entry_find_name(const struct scion_config *entry)
{
        const struct scion_config *use =
                entry->kind == SCION_CONFIG_SCALAR ? entry : scion_config_get(entry, "use");
        char got[64];

        if (use && use->kind == SCION_CONFIG_SCALAR && !scion_config_is_null(use))
                return use;
        if (entry->kind == SCION_CONFIG_MAP && entry->count > 0 && kind_find(entry->entry[0].key))
                scion_config_fail(entry, "transform: write { use: %s, ... }, with its parameters by name",
                                  entry->entry[0].key);
        else
                scion_config_fail(entry, "transform: each is written as { use: NAME, ... }, got %s",
                                  scion_config_describe(entry, got, sizeof got));
        return NULL;
}

/* Checks that a kind used in the short form, which is just the name, has no required parameter. */
static bool entry_check_short(const struct scion_transform_kind *kind, const struct scion_config *entry)
{
        const struct scion_param *param = kind->params;

        while (entry->kind == SCION_CONFIG_SCALAR && param && param->type != SCION_PARAM_END) {
                if (param->required)
                        return scion_config_fail(entry,
                                                 "transform '%s': %s is required: { use: %s, %s: ... }",
                                                 kind->name, param->name, kind->name, param->name);
                param++;
        }
        return true;
}

static bool transform_read(struct scion_transform *transform, const struct scion_config *entry)
{
        const struct scion_config *use = entry_find_name(entry);
        const struct scion_transform_kind *kind = use ? kind_find(use->text) : NULL;
        char owner[64];

        if (!kind)
                return use && kind_fail_unknown(use);
        if (!entry_check_short(kind, entry))
                return false;
        snprintf(owner, sizeof owner, "transform '%s'", kind->name);
        transform->kind = kind;
        transform->config = entry;
        return scion_params_fill(kind->params, entry->kind == SCION_CONFIG_MAP ? entry : NULL, owner,
                                 other_keys, transform);
}

bool scion_transforms_read(struct scion_transforms *transforms, const struct scion_config *map)
{
        const struct scion_config *value = scion_config_get(map, "transform");
        size_t count = !value ? 0 : value->kind == SCION_CONFIG_LIST ? value->count : 1;

        *transforms = (struct scion_transforms){ 0 };
        if (count == 0)
                return true;
        if (scion_config_is_null(value))
                return scion_config_fail(value, "transform: takes a list of transforms; write [] for none");
        transforms->step = calloc(count, sizeof *transforms->step);
        if (!transforms->step)
                return scion_fail("out of memory");
        /* A transform that cannot be read owns no memory, so it is not counted. */
        for (; transforms->count < count; transforms->count++)
                if (!transform_read(&transforms->step[transforms->count],
                                    value->kind == SCION_CONFIG_LIST ? value->entry[transforms->count].value
                                                                     : value))
                        return false;
        return true;
}

static void transform_finish(struct scion_transform *transform)
{
        scion_params_release(transform->kind->params, transform);
        free(transform->index);
        free(transform->weight);
        free(transform->scratch);
}

void scion_transforms_finish(struct scion_transforms *transforms)
{
        for (size_t i = 0; i < transforms->count; i++)
                transform_finish(&transforms->step[i]);
        free(transforms->step);
        free(transforms->buffer[0]);
        free(transforms->buffer[1]);
        *transforms = (struct scion_transforms){ 0 };
}

/* --- Planning ------------------------------------------------------------------------------------------- */

static bool transform_fail(const struct scion_transform *transform)
{
        return scion_config_fail(transform->config, "transform '%s': %s", transform->kind->name,
                                 scion_error());
}

/* Derives a separate seed for each split and each position in the list. */
static void transform_seed(struct scion_transform *transform, size_t position, uint64_t seed)
{
        for (int split = 0; split < SCION_SPLITS; split++) {
                char name[64];

                snprintf(name, sizeof name, "transform %zu %s", position, scion_split_names[split]);
                transform->seed[split] = scion_seed(seed, name);
        }
}

/* Returns the number of values of an input, or -1 if it is larger than `most`. */
static int64_t shape_values(const struct scion_shape *shape, int64_t most)
{
        int64_t values = 1;

        for (int i = 0; i < shape->ndim; i++) {
                if (shape->dim[i] > most / values)
                        return -1;
                values *= shape->dim[i];
        }
        return values;
}

static bool transform_plan(struct scion_transform *transform, struct scion_form *form, int64_t most)
{
        struct scion_form out = *form;

        transform->in = *form;
        transform->values = shape_values(&form->shape, most);
        if (!transform->kind->plan(transform, &out))
                return transform_fail(transform);
        transform->converts = transform->in.element != form->element;
        if (shape_values(&out.shape, most) < 0) {
                char text[160];

                scion_fail("inputs of shape %s are more than memory can hold",
                           scion_shape_text(&out.shape, text, sizeof text));
                return transform_fail(transform);
        }
        if (!transform->no_op)
                *form = out;
        return true;
}

static size_t size_max(size_t a, size_t b)
{
        return a > b ? a : b;
}

bool scion_transforms_plan(struct scion_transforms *transforms, struct scion_form *form, int64_t most,
                           uint64_t seed)
{
        size_t bytes = 0, kept = 0;

        if (transforms->count == 0)
                return true;
        for (size_t i = 0; i < transforms->count; i++) {
                struct scion_transform *transform = &transforms->step[i];

                transform_seed(transform, i, seed);
                if (!transform_plan(transform, form, most))
                        return false;
                /* Buffers have the size of floats even for bytes, because a transform may convert its inputs. */
                bytes = size_max(bytes, (size_t)transform->values * sizeof(float));
        }
        for (size_t i = 0; i < transforms->count; i++)
                if (transforms->step[i].no_op)
                        transform_finish(&transforms->step[i]);
                else
                        transforms->step[kept++] = transforms->step[i];
        transforms->count = kept;
        transforms->bytes = (size_t)shape_values(&form->shape, most) *
                            (form->element == SCION_U8 ? sizeof(uint8_t) : sizeof(float));
        bytes = size_max(bytes, transforms->bytes);
        for (int i = 0; i < 2; i++)
                if (!(transforms->buffer[i] = malloc(bytes)))
                        return scion_fail("out of memory for a transform of inputs of %zu bytes", bytes);
        return true;
}

/* --- Applying ------------------------------------------------------------------------------------------- */

void *scion_transforms_input(struct scion_transforms *transforms)
{
        return transforms->buffer[0];
}

static void transforms_swap_buffers(struct scion_transforms *transforms)
{
        void *first = transforms->buffer[0];

        transforms->buffer[0] = transforms->buffer[1];
        transforms->buffer[1] = first;
}

void scion_transforms_apply(struct scion_transforms *transforms, struct scion_example example, void *out)
{
        static const struct scion_normal to_unit = { .mean = 0, .divisor = 255 };

        for (size_t i = 0; i < transforms->count; i++) {
                const struct scion_transform *transform = &transforms->step[i];

                if (transform->converts) {
                        scion_normalize_bytes(transforms->buffer[0], transforms->buffer[1], transform->values,
                                              to_unit);
                        transforms_swap_buffers(transforms);
                }
                transform->kind->apply(transform, example, transforms->buffer[0], transforms->buffer[1]);
                transforms_swap_buffers(transforms);
        }
        memcpy(out, transforms->buffer[0], transforms->bytes);
}

/* --- Completing ----------------------------------------------------------------------------------------- */

/* Replaces the entry's value by a new list, or a map with the given key, that contains the value. */
static bool entry_wrap(struct scion_config_entry *entry, enum scion_config_kind kind, const char *key)
{
        struct scion_config *value = entry->value;
        struct scion_config *around = scion_config_node(kind, value->file, value->line, value->column);

        if (!around)
                return false;
        entry->value = around;
        return scion_config_add(around, key, value->line, value->column, value);
}

bool scion_transforms_complete(struct scion_config *map)
{
        struct scion_config_entry *entry = scion_config_find(map, "transform");
        struct scion_transforms transforms;
        bool good = scion_transforms_read(&transforms, map);

        if (good && entry && entry->value->kind != SCION_CONFIG_LIST)
                good = entry_wrap(entry, SCION_CONFIG_LIST, NULL);
        for (size_t i = 0; good && i < transforms.count; i++) {
                struct scion_config_entry *one = &entry->value->entry[i];

                if (one->value->kind == SCION_CONFIG_SCALAR)
                        good = entry_wrap(one, SCION_CONFIG_MAP, "use");
                good = good && scion_params_complete(transforms.step[i].kind->params, one->value);
        }
        scion_transforms_finish(&transforms);
        return good;
}
