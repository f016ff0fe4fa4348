/* A plugin without state and parameters. */
#include <scion/scion.h>

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        (void)self;
        (void)outputs;
        (void)batch;
        return scion_fail_null("is for a test only");
}

SCION_PLUGIN_LOSS("stateless", .summary = "a loss for a test", .loss = loss);
