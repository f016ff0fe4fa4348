/*
 * Logs two scalars under one name.
 *
 * FAILED: each logged scalar is logged once in every step
 * says: 'task' is logged more than once in a step: step 1 of epoch 1
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
        scion_log_scalar(transfer, "task", task);
        scion_log_scalar(transfer, "task", scion_scale(task, 2));
        return task;
}

SCION_PLUGIN_STRATEGY("logs-twice", .summary = "a strategy for a test", .loss = loss);
