/*
 * Detaches a factor, and does not say so in its descriptor.
 *
 * FAILED: its gradient is what differences of the loss say
 * says: class labels: output 0 of example 0: the gradient is 
 * says: differences of the loss say 
 * says: say .detaches = true
 */
#include <scion/loss.h>
#include <scion/losses.h>

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        (void)self;
        struct scion_tensor *apart = scion_sub(outputs, scion_batch_values(batch, outputs));

        return scion_mean(scion_mul(apart, scion_detach(apart)), SCION_ALL_AXES, false);
}

SCION_PLUGIN_LOSS("loss-detached", .summary = "a loss with half of its gradient", .loss = loss);
