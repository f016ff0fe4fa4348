/*
 * Computes its value without tensor operations, so that it has no gradient.
 *
 * FAILED: its gradient is what differences of the loss say
 * says: class labels: no gradient flows from the loss to the outputs
 */
#include <scion/loss.h>
#include <scion/losses.h>

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        (void)self;
        return scion_scalar(scion_item(scion_mse(outputs, scion_batch_values(batch, outputs))));
}

SCION_PLUGIN_LOSS("loss-constant", .summary = "a loss without a gradient", .loss = loss);
