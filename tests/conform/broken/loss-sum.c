/*
 * Sums over the examples instead of taking their mean.
 *
 * FAILED: it is a mean over the examples, not their sum
 * says: values: the loss of a batch is 
 * says: it sums over the examples instead of taking their mean
 */
#include <scion/loss.h>
#include <scion/losses.h>

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        (void)self;
        return scion_sum(scion_pow(scion_sub(outputs, scion_batch_values(batch, outputs)), 2), SCION_ALL_AXES,
                         false);
}

SCION_PLUGIN_LOSS("loss-sum", .summary = "a sum of squares", .loss = loss);
