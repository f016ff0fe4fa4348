/* The mean squared error over all elements: mean((outputs - targets)^2). Labels become one-hot rows. */
#include <scion/loss.h>
#include <scion/losses.h>

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        (void)self;
        return scion_mse(outputs, scion_batch_values(batch, outputs));
}

SCION_PLUGIN_LOSS("mse", .summary = "mean squared error; labels count as one-hot rows", .loss = loss);
