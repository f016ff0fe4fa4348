/*
 * Allocates memory for each batch, and keeps it.
 *
 * FAILED: a step of training leaves no memory behind
 * says: each step leaves at least
 * says: bytes that are not freed
 */
#include <scion/scion.h>
#include <stdlib.h>

static struct scion_tensor *task_loss(struct scion_transfer *transfer, const struct scion_batch *batch)
{
        return scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
}

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        void **kept = self, **more = malloc(512);

        if (!more)
                return scion_fail_null("out of memory");
        *more = *kept;
        *kept = more;
        return task_loss(transfer, batch);
}

SCION_PLUGIN_STRATEGY("keeps-batches", .summary = "a strategy for a test", .size = sizeof(void *),
                      .loss = loss);
