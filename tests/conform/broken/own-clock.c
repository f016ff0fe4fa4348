/*
 * Computes its noise from the clock.
 *
 * FAILED: the same seed gives the same run
 * FAILED: a resumed run equals an uninterrupted one
 * says: two runs of one seed differ: in epoch 1 of
 * says: train_loss
 */
#include <scion/scion.h>
#include <time.h>

static struct scion_tensor *task_loss(struct scion_transfer *transfer, const struct scion_batch *batch)
{
        return scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
}

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        struct timespec now;

        (void)self;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return scion_scale(task_loss(transfer, batch), 1 + (float)(now.tv_nsec % 1009) * 1e-3f);
}

SCION_PLUGIN_STRATEGY("own-clock", .summary = "a strategy for a test", .loss = loss);
