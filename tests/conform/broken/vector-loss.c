/*
 * Returns a loss for each example.
 *
 * FAILED: it is set up, and has a loss of batches of every size it takes
 * says: the loss has 8 elements, not one
 */
#include <scion/scion.h>

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        struct scion_tensor *outputs = scion_target_logits(transfer, batch);

        (void)self;
        return scion_mean(scion_mul(outputs, outputs), SCION_AXIS(1), false);
}

SCION_PLUGIN_STRATEGY("vector-loss", .summary = "a strategy for a test", .loss = loss);
