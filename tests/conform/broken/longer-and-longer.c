/*
 * Does more in each step than in the one before.
 *
 * FAILED: a step of training leaves no memory behind
 * says: more tensors than the one before
 */
#include <scion/scion.h>

static struct scion_tensor *task_loss(struct scion_transfer *transfer, const struct scion_batch *batch)
{
        return scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
}

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        int *steps = self;
        struct scion_tensor *sum = task_loss(transfer, batch);

        *steps += 1;
        for (int i = 0; i < *steps * 10; i++)
                sum = scion_scale(sum, 1);
        return sum;
}

SCION_PLUGIN_STRATEGY("longer-and-longer", .summary = "a strategy for a test", .size = sizeof(int),
                      .loss = loss);
