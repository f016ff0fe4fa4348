/*
 * Reads memory that it has not written.
 *
 * FAILED: the same seed gives the same run
 * says: two runs of one seed differ
 * says: memory is read that nobody has written
 */
#include <scion/scion.h>
#include <stdlib.h>

static struct scion_tensor *task_loss(struct scion_transfer *transfer, const struct scion_batch *batch)
{
        return scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
}

struct unwritten {
        float *weight;
};

static bool setup(void *self, struct scion_transfer *transfer)
{
        struct unwritten *unwritten = self;

        (void)transfer;
        unwritten->weight = malloc(sizeof *unwritten->weight << 18);
        return unwritten->weight || scion_fail("out of memory");
}

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct unwritten *unwritten = self;
        float weight = ((const volatile float *)unwritten->weight)[1 << 17];

        return scion_scale(task_loss(transfer, batch), weight != 0 ? 2 : 1);
}

static void finish(void *self)
{
        free(((struct unwritten *)self)->weight);
}

SCION_PLUGIN_STRATEGY("unwritten", .summary = "a strategy for a test", .size = sizeof(struct unwritten),
                      .setup = setup, .loss = loss, .finish = finish);
