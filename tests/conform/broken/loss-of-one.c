/*
 * Divides by the number of examples less one.
 *
 * FAILED: a batch of one example has a finite loss and gradient
 * says: values, a batch of one: the loss is 
 * says: nan
 */
#include <scion/loss.h>
#include <scion/losses.h>

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        (void)self;
        struct scion_tensor *mean = scion_mse(outputs, scion_batch_values(batch, outputs));

        return scion_scale(scion_sub(mean, scion_scale(mean, 1 / (float)batch->size)),
                           (float)batch->size / (float)(batch->size - 1));
}

SCION_PLUGIN_LOSS("loss-of-one", .summary = "a loss for more than one", .loss = loss);
