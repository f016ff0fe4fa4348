/*
 * Refuses batches without a reason.
 *
 * FAILED: it takes labels or values, and gives a finite scalar
 * says: it returns NULL for values, and gives no reason: scion_fail() leaves one
 */
#include <scion/loss.h>
#include <scion/losses.h>

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        (void)self;
        return batch->labels ? scion_cross_entropy(outputs, batch->labels) : NULL;
}

SCION_PLUGIN_LOSS("loss-silent", .summary = "a loss that refuses without a word", .loss = loss);
