/* The mean over examples of 1 - cos(outputs, targets). Labels become one-hot rows. */
#include <scion/loss.h>
#include <scion/losses.h>

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        (void)self;
        return scion_cosine_distance(outputs, scion_batch_values(batch, outputs));
}

SCION_PLUGIN_LOSS("cosine", .summary = "cosine distance of outputs and targets; labels count as one-hot rows",
                  .loss = loss);
