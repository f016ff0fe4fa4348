/*
 * Makes frozen values smaller in each step.
 *
 * FAILED: frozen parameters keep their values
 * says: 'conv1.weight' is frozen, and has other values in step 2 of epoch 1 than in the step before
 */
#include <scion/scion.h>

static struct scion_tensor *task_loss(struct scion_transfer *transfer, const struct scion_batch *batch)
{
        return scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
}

static bool setup(void *self, struct scion_transfer *transfer)
{
        (void)self;
        return scion_model_copy(scion_target(transfer), scion_source(transfer), false) >= 0 &&
               scion_model_freeze(scion_target(transfer), "conv1");
}

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        struct scion_parameter *parameter = scion_model_find(scion_target(transfer), "conv1.weight");
        float values[6 * 25];

        (void)self;
        if (!parameter || !scion_parameter_read(parameter, values))
                return NULL;
        for (int i = 0; i < 6 * 25; i++)
                values[i] *= 0.99f;
        return scion_parameter_write(parameter, values) ? task_loss(transfer, batch) : NULL;
}

SCION_PLUGIN_STRATEGY("decays-frozen", .summary = "a strategy for a test", .needs = SCION_NEEDS_SOURCE,
                      .setup = setup, .loss = loss);
