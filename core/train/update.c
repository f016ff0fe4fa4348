#include "train/update.h"

#include <scion/optimizer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/params.h"

/* One of the models, and what the optimizer keeps for it. */
struct part {
        struct scion_model *model;
        float *state;            /* `states` blocks, each as long as the model's */
        int64_t *steps;          /* of each parameter: updates so far */
        unsigned char *handling; /* of its parameters, when it was last asked for */
};

struct scion_update {
        const struct scion_optimizer_plugin *plugin;
        void *self;
        int states;
        int parts;
        struct part *part;
        struct scion_span *span; /* as many as all models have parameters */
        double rate;
};

static bool add_part(struct scion_update *update, struct scion_model *model)
{
        struct part *part = &update->part[update->parts++];
        size_t bytes = ((size_t)update->states * model->length * sizeof(float) + 63) / 64 * 64;

        part->model = model;
        part->steps = calloc((size_t)model->count + 1, sizeof *part->steps);
        part->handling = malloc(scion_model_handling_bytes(model) + 1);
        part->state = aligned_alloc(64, bytes ? bytes : 64);
        if (!part->steps || !part->handling || !part->state)
                return false;
        memset(part->state, 0, bytes);
        return true;
}

static bool add_parts(struct scion_update *update, struct scion_model *const *models, int count)
{
        size_t spans = 0;

        update->part = calloc((size_t)count, sizeof *update->part);
        if (!update->part)
                return false;
        for (int i = 0; i < count; i++) {
                spans += (size_t)models[i]->count;
                if (!add_part(update, models[i]))
                        return false;
        }
        update->span = calloc(spans + 1, sizeof *update->span);
        return update->span != NULL;
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
        if (add_parts(update, models, count))
                return update;
        scion_update_destroy(update);
        return scion_fail_null("out of memory for the optimizer's state");
}

void scion_update_destroy(struct scion_update *update)
{
        if (!update)
                return;
        for (int i = 0; i < update->parts; i++) {
                free(update->part[i].state);
                free(update->part[i].steps);
                free(update->part[i].handling);
        }
        free(update->part);
        free(update->span);
        free(update);
}

void scion_update_clear_gradients(struct scion_update *update)
{
        for (int i = 0; i < update->parts; i++)
                scion_model_clear_gradients(update->part[i].model);
}

/* Adds the spans of what is not frozen and has a gradient; returns how many there are then. */
static int add_spans(struct scion_update *update, struct part *part, double factor, int count)
{
        struct scion_model *model = part->model;

        for (int i = 0; i < model->count; i++) {
                struct scion_parameter *parameter = &model->parameter[i];
                float *value = parameter->value.data;

                if (parameter->frozen || !parameter->value.has_grad)
                        continue;
                scion_parameter_mask_gradient(parameter);
                struct scion_span *span = &update->span[count++];

                *span = (struct scion_span){
                        .name = parameter->name,
                        .shape = parameter->value.shape,
                        .count = (int64_t)parameter->value.length,
                        .value = value,
                        .gradient = parameter->slot.data,
                        .step = ++part->steps[i],
                        .lr_scale = (float)(factor * (double)parameter->lr_scale),
                        .decay = parameter->decay,
                };
                for (int k = 0; k < update->states; k++)
                        span->state[k] = part->state + (size_t)k * model->length + (value - model->values);
        }
        return count;
}

/* Whatever the optimizer made of gradients of 0. */
static void hold_masks(struct scion_model *model)
{
        for (int i = 0; i < model->count; i++)
                scion_parameter_mask_values(&model->parameter[i]);
}

void scion_update_step(struct scion_update *update, double factor)
{
        int count = 0;

        for (int i = 0; i < update->parts; i++)
                count = add_spans(update, &update->part[i], factor, count);
        update->plugin->step(update->self, update->span, count);
        for (int i = 0; i < update->parts; i++)
                hold_masks(update->part[i].model);
}

/* NAME.INDEX */
static void add_block(struct scion_state *state, const char *name, int index, void *data, size_t bytes)
{
        char text[32];

        snprintf(text, sizeof text, "%s.%d", name, index);
        scion_state_add(state, text, data, bytes);
}

void scion_update_describe(struct scion_update *update, struct scion_state *state)
{
        for (int i = 0; i < update->parts; i++) {
                struct part *part = &update->part[i];
                struct scion_model *model = part->model;

                scion_model_read_handling(model, part->handling);
                add_block(state, "model", i, model->values, model->extent * sizeof *model->values);
                add_block(state, "handling", i, part->handling, scion_model_handling_bytes(model));
                add_block(state, "state", i, part->state,
                          (size_t)update->states * model->length * sizeof *part->state);
                add_block(state, "steps", i, part->steps, (size_t)model->count * sizeof *part->steps);
        }
}

bool scion_update_restored(struct scion_update *update)
{
        bool good = true;

        for (int i = 0; good && i < update->parts; i++)
                good = scion_model_write_handling(update->part[i].model, update->part[i].handling);
        return good;
}

double scion_update_rate(const struct scion_update *update)
{
        return update->rate;
}
