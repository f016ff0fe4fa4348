/*
 * Divides by the number of examples less one, and does not say that it needs two.
 *
 * FAILED: a run finishes, with finite losses and gradients
 * says: not a number
 * says: as small as .min_batch says that the strategy takes
 */
#include <scion/scion.h>

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        struct scion_tensor *outputs = scion_target_logits(transfer, batch);
        struct scion_tensor *away = scion_sub(outputs, scion_mean(outputs, SCION_AXIS(0), true));
        struct scion_tensor *spread = scion_sum(scion_mul(away, away), SCION_ALL_AXES, false);
        struct scion_tensor *variance = scion_div(spread, scion_scalar((float)(batch->size - 1)));

        (void)self;
        return scion_add(scion_task_loss(transfer, outputs, batch), variance);
}

SCION_PLUGIN_STRATEGY("one-less", .summary = "a strategy for a test", .loss = loss);
