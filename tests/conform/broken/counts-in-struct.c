/*
 * Keeps state that changes during training in its own struct.
 *
 * FAILED: a resumed run equals an uninterrupted one
 * says: a resumed run gives other results than an uninterrupted one: in epoch 3 of
 * says: scion_own_values()
 */
#include <scion/scion.h>

static struct scion_tensor *task_loss(struct scion_transfer *transfer, const struct scion_batch *batch)
{
        return scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
}

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        float *mean = self; /* of the loss, over steps */
        struct scion_tensor *task = task_loss(transfer, batch);

        *mean = 0.9f * *mean + 0.1f * scion_item(task);
        return scion_scale(task, 1 + *mean);
}

SCION_PLUGIN_STRATEGY("counts-in-struct", .summary = "a strategy for a test", .size = sizeof(float),
                      .loss = loss);
