#include "train/update.h"

#include <scion/optimizer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/params.h"

#define ALIGNMENT ((size_t)64)
#define GRAIN (ALIGNMENT / sizeof(float))

/* One of the models, with the state of its parameters. */
struct part {
        struct scion_model *model;
        struct scion_storage *state; /* `states` blocks, each as long as the gradients; NULL for no states */
        int64_t *steps;              /* of each parameter: updates so far */
        unsigned char *handling;     /* the flags of its parameters when they were last read */
};

struct scion_update {
        const struct scion_optimizer_plugin *plugin;
        void *self;
        int states;
        int parts;
        struct part *part;
        size_t length;                    /* floats of the parameters of all models */
        struct scion_span *span;          /* as many as all models have parameters */
        struct scion_span_arrays *arrays; /* of each span */
        float *host; /* copies of value, gradient and state of all spans; NULL until a step runs on the host */
        double rate;
};

static size_t part_state_bytes(const struct scion_update *update, const struct part *part)
{
        return (size_t)update->states * part->model->length * sizeof(float);
}

static bool part_add(struct scion_update *update, struct scion_model *model)
{
        struct part *part = &update->part[update->parts++];

        part->model = model;
        part->steps = calloc((size_t)model->count + 1, sizeof *part->steps);
        part->handling = malloc(scion_model_flags_bytes(model) + 1);
        if (update->states > 0)
                part->state = scion_storage_create(part_state_bytes(update, part));
        return part->steps && part->handling && (part->state || update->states == 0);
}

static bool parts_add(struct scion_update *update, struct scion_model *const *models, int count)
{
        size_t spans = 0;

        update->part = calloc((size_t)count, sizeof *update->part);
        if (!update->part)
                return false;
        for (int i = 0; i < count; i++) {
                spans += (size_t)models[i]->count;
                update->length += models[i]->length;
                if (!part_add(update, models[i]))
                        return false;
        }
        update->span = calloc(spans + 1, sizeof *update->span);
        update->arrays = calloc(spans + 1, sizeof *update->arrays);
        return update->span && update->arrays;
}

struct scion_update *scion_update_create(struct scion_instance *optimizer, struct scion_model *const *models,
                                         int count)
{
        const struct scion_optimizer_plugin *plugin =
                (const struct scion_optimizer_plugin *)optimizer->plugin;
        const struct scion_param *lr = scion_params_find(plugin->params, "lr");
        int states = plugin->states ? plugin->states(optimizer->self) : 0;

        if (!lr || lr->type != SCION_PARAM_FLOAT)
                return scion_fail_null("optimizer '%s' has no parameter 'lr'", plugin->name);
        if (states < 0 || states > SCION_MAX_STATES)
                return scion_fail_null("optimizer '%s' asks for %d states; 0 to %d can be had", plugin->name,
                                       states, SCION_MAX_STATES);
        struct scion_update *update = calloc(1, sizeof *update);

        if (!update)
                return scion_fail_null("out of memory");
        update->plugin = plugin;
        update->self = optimizer->self;
        update->states = states;
        update->rate = (double)*(const float *)((const char *)optimizer->self + lr->offset);
        if (parts_add(update, models, count))
                return update;
        scion_update_destroy(update);
        return scion_fail_null("out of memory for the optimizer's state");
}

void scion_update_destroy(struct scion_update *update)
{
        if (!update)
                return;
        for (int i = 0; i < update->parts; i++) {
                scion_storage_destroy(update->part[i].state);
                free(update->part[i].steps);
                free(update->part[i].handling);
        }
        free(update->part);
        free(update->span);
        free(update->arrays);
        free(update->host);
        free(update);
}

void scion_update_clear_gradients(struct scion_update *update)
{
        for (int i = 0; i < update->parts; i++)
                scion_model_clear_gradients(update->part[i].model);
}

static void span_set(const struct scion_update *update, struct part *part, int index, double factor, int at)
{
        const struct scion_model *model = part->model;
        const struct scion_parameter *parameter = &model->parameter[index];
        const struct scion_tensor *value = &parameter->value;
        struct scion_span_arrays *arrays = &update->arrays[at];

        update->span[at] = (struct scion_span){
                .name = parameter->name,
                .shape = value->shape,
                .count = (int64_t)value->length,
                .step = ++part->steps[index],
                .lr_scale = (float)(factor * (double)parameter->lr_scale),
                .decay = parameter->decay,
        };
        *arrays = (struct scion_span_arrays){ .value = value->array, .gradient = parameter->slot.array };
        for (int k = 0; k < update->states; k++)
                arrays->state[k] = scion_array_over(part->state,
                                                    (size_t)k * model->length * sizeof(float) + value->offset,
                                                    value->shape, SCION_F32);
}

/* Adds the spans of parameters that are not frozen and have a gradient; `count` becomes how many there are then. */
static bool spans_add(struct scion_update *update, struct part *part, double factor, int *count)
{
        struct scion_model *model = part->model;

        for (int i = 0; i < model->count; i++) {
                struct scion_parameter *parameter = &model->parameter[i];

                if (parameter->frozen || !parameter->value.has_grad)
                        continue;
                if (!scion_parameter_mask_gradient(parameter))
                        return false;
                span_set(update, part, i, factor, (*count)++);
        }
        return true;
}

/* --- On the host, for a device that does not have the optimizer ------------------------------------------ */

static bool host_allocate(struct scion_update *update)
{
        size_t floats =
                (size_t)(2 + update->states) * update->length; /* a multiple of GRAIN, and more than 0 */

        if (!update->host)
                update->host = aligned_alloc(ALIGNMENT, floats * sizeof(float));
        return update->host || scion_fail("out of memory for the optimizer's copies");
}

static bool array_download(const struct scion_array *array, float *host)
{
        return scion_storage_read(array->storage, array->offset, host, array->length * sizeof *host);
}

static bool array_upload(const struct scion_array *array, const float *host)
{
        return scion_storage_write(array->storage, array->offset, host, array->length * sizeof *host);
}

/* Copies the span's arrays to `host`; returns how many floats of it they take, 0 when the device fails. */
static size_t span_download(const struct scion_update *update, struct scion_span *span,
                            const struct scion_span_arrays *arrays, float *host)
{
        size_t length = ((size_t)span->count + GRAIN - 1) / GRAIN * GRAIN;
        float *gradient = host + length;
        bool good = array_download(&arrays->value, host) && array_download(&arrays->gradient, gradient);

        span->value = host;
        span->gradient = gradient;
        for (int k = 0; good && k < update->states; k++) {
                span->state[k] = host + (size_t)(2 + k) * length;
                good = array_download(&arrays->state[k], span->state[k]);
        }
        return good ? (size_t)(2 + update->states) * length : 0;
}

static bool span_upload(const struct scion_update *update, const struct scion_span *span,
                        const struct scion_span_arrays *arrays)
{
        bool good = array_upload(&arrays->value, span->value);

        for (int k = 0; good && k < update->states; k++)
                good = array_upload(&arrays->state[k], span->state[k]);
        return good;
}

static bool spans_step_on_host(struct scion_update *update, int count)
{
        if (!host_allocate(update))
                return false;
        float *host = update->host;

        for (int i = 0; i < count; i++) {
                size_t taken = span_download(update, &update->span[i], &update->arrays[i], host);

                if (!taken)
                        return false;
                host += taken;
        }
        update->plugin->step(update->self, update->span, count);
        for (int i = 0; i < count; i++)
                if (!span_upload(update, &update->span[i], &update->arrays[i]))
                        return false;
        return true;
}

/* --- A step --------------------------------------------------------------------------------------------- */

static bool spans_step(struct scion_update *update, int count)
{
        bool supported = true;

        return SCION_ON_DEVICE(update, update->plugin, update->self, update->span, update->arrays, count,
                               &supported) &&
               (supported || spans_step_on_host(update, count));
}

/* Masked values become 0 again: an optimizer may move them even with gradients of 0. */
static bool model_mask_values(struct scion_model *model)
{
        for (int i = 0; i < model->count; i++)
                if (!scion_parameter_mask_values(&model->parameter[i]))
                        return false;
        return true;
}

bool scion_update_step(struct scion_update *update, double factor)
{
        int count = 0;
        bool good = true;

        for (int i = 0; good && i < update->parts; i++)
                good = spans_add(update, &update->part[i], factor, &count);
        good = good && spans_step(update, count);
        for (int i = 0; good && i < update->parts; i++)
                good = model_mask_values(update->part[i].model);
        return good;
}

/* --- Checkpoints ---------------------------------------------------------------------------------------- */

/* NAME.INDEX, cut to fit. */
static const char *block_name(const char *name, int index, char *text, size_t bytes)
{
        snprintf(text, bytes, "%s.%d", name, index);
        return text;
}

void scion_update_describe(struct scion_update *update, struct scion_state *state)
{
        char name[32];

        for (int i = 0; i < update->parts; i++) {
                struct part *part = &update->part[i];
                struct scion_model *model = part->model;

                scion_model_read_flags(model, part->handling);
                scion_state_add_storage(state, block_name("model", i, name, sizeof name), model->values, 0,
                                        scion_model_bytes(model));
                scion_state_add(state, block_name("handling", i, name, sizeof name), part->handling,
                                scion_model_flags_bytes(model));
                scion_state_add_storage(state, block_name("state", i, name, sizeof name), part->state, 0,
                                        part_state_bytes(update, part));
                scion_state_add(state, block_name("steps", i, name, sizeof name), part->steps,
                                (size_t)model->count * sizeof *part->steps);
        }
}

bool scion_update_restored(struct scion_update *update)
{
        bool good = true;

        for (int i = 0; good && i < update->parts; i++)
                good = scion_model_write_flags(update->part[i].model, update->part[i].handling);
        return good;
}

double scion_update_rate(const struct scion_update *update)
{
        return update->rate;
}
