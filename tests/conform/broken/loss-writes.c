/*
 * Writes into the outputs.
 *
 * FAILED: it does not change what it is given
 * says: values: it changes the outputs that it is given
 */
#include <scion/loss.h>
#include <scion/losses.h>

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        (void)self;
        struct scion_tensor *loss = scion_mse(outputs, scion_batch_values(batch, outputs));
        float *value = (float *)scion_data(outputs);

        for (int64_t i = 0; value && i < scion_size(outputs); i++)
                value[i] = value[i] > 2 ? 2 : value[i] < -2 ? -2 : value[i] * 1.0000002f;
        return loss;
}

SCION_PLUGIN_LOSS("loss-writes", .summary = "a loss that clips in place", .loss = loss);
