#include "train/update.h"

#include <scion/optimizer.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/params.h"

struct scion_update {
        const struct scion_optimizer_plugin *plugin;
        void *self;
        struct scion_model *model;
        int states;
        float *state;   /* `states` blocks, each as long as the model's */
        int64_t *steps; /* of each parameter: updates so far */
        struct scion_span *span;
        double rate;
};

struct scion_update *scion_update_create(struct scion_instance *optimizer, struct scion_model *model)
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
        update->model = model;
        update->states = states;
        update->rate = (double)*(const float *)((const char *)optimizer->self + lr->offset);
        update->span = calloc((size_t)model->count + 1, sizeof *update->span);
        update->steps = calloc((size_t)model->count + 1, sizeof *update->steps);
        if (states > 0) {
                size_t bytes = ((size_t)states * model->length * sizeof(float) + 63) / 64 * 64;

                update->state = aligned_alloc(64, bytes ? bytes : 64);
                if (update->state)
                        memset(update->state, 0, bytes);
        }
        if (!update->span || !update->steps || (states > 0 && !update->state)) {
                scion_update_destroy(update);
                return scion_fail_null("out of memory for the optimizer's state");
        }
        return update;
}

void scion_update_destroy(struct scion_update *update)
{
        if (!update)
                return;
        free(update->state);
        free(update->steps);
        free(update->span);
        free(update);
}

void scion_update_step(struct scion_update *update, double factor)
{
        struct scion_model *model = update->model;
        int count = 0;

        for (int i = 0; i < model->count; i++) {
                struct scion_parameter *parameter = &model->parameter[i];
                float *value = parameter->value.data;

                if (parameter->frozen || !parameter->value.has_grad)
                        continue;
                struct scion_span *span = &update->span[count++];

                *span = (struct scion_span){
                        .name = parameter->name,
                        .shape = parameter->value.shape,
                        .count = (int64_t)parameter->value.length,
                        .value = value,
                        .gradient = parameter->slot.data,
                        .step = ++update->steps[i],
                        .lr_scale = (float)(factor * (double)parameter->lr_scale),
                        .decay = parameter->decay,
                };
                for (int k = 0; k < update->states; k++)
                        span->state[k] = update->state + (size_t)k * model->length + (value - model->values);
        }
        update->plugin->step(update->self, update->span, count);
}

double scion_update_rate(const struct scion_update *update)
{
        return update->rate;
}
