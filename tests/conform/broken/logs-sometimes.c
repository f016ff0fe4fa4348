/*
 * Logs in the first half of an epoch only.
 *
 * FAILED: each logged scalar is logged once in every step
 * says: 'early' is not logged in every step: by step
 */
#include <scion/scion.h>

static struct scion_tensor *task_loss(struct scion_transfer *transfer, const struct scion_batch *batch)
{
        return scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
}

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        struct scion_tensor *task = task_loss(transfer, batch);

        (void)self;
        if (scion_progress(transfer) < 0.3)
                scion_log_scalar(transfer, "early", task);
        return task;
}

SCION_PLUGIN_STRATEGY("logs-sometimes", .summary = "a strategy for a test", .loss = loss);
