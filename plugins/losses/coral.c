/* The CORAL distance between the covariance matrices of outputs and targets in a batch. Labels become one-hot rows. */
#include <scion/loss.h>
#include <scion/losses.h>

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        (void)self;
        return scion_coral(outputs, scion_batch_values(batch, outputs));
}

SCION_PLUGIN_LOSS("coral", .summary = "difference of the covariances of outputs and targets in a batch",
                  .reference = "Sun, Saenko. ECCV Workshops 2016. arXiv:1607.01719", .loss = loss);
