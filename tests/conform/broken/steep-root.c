/*
 * Computes the square root of 0, whose gradient is infinite.
 *
 * FAILED: a run finishes, with finite losses and gradients
 * says: in step 1 of epoch 1 the gradient of the target's
 * says: is not a number
 */
#include <scion/scion.h>

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        struct scion_tensor *outputs = scion_target_logits(transfer, batch);
        struct scion_tensor *away = scion_sub(outputs, scion_detach(outputs));
        struct scion_tensor *distance = scion_sqrt(scion_mean(scion_mul(away, away), SCION_ALL_AXES, false));

        (void)self;
        return scion_add(scion_task_loss(transfer, outputs, batch), distance);
}

SCION_PLUGIN_STRATEGY("steep-root", .summary = "a strategy for a test", .loss = loss);
