/*
 * The logarithm of a softmax that has become 0.
 *
 * FAILED: extreme outputs have a finite loss and gradient
 * says: class labels, outputs of 10000 and -10000: the loss is inf
 */
#include <scion/loss.h>

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        (void)self;
        if (!batch->labels)
                return scion_fail_null("takes class labels");
        return scion_neg(scion_mean(scion_log(scion_pick(scion_softmax(outputs, 1), batch->labels)),
                                    SCION_ALL_AXES, false));
}

SCION_PLUGIN_LOSS("loss-overflows", .summary = "a loss of moderate outputs", .loss = loss);
