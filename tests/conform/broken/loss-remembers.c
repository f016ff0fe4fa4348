/*
 * Its value depends on earlier calls.
 *
 * FAILED: the same batch gives the same bits
 * says: class labels: the same batch gives 
 */
#include <scion/loss.h>
#include <scion/losses.h>

struct state {
        int64_t calls;
};

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        struct state *state = self;

        return scion_scale(scion_mse(outputs, scion_batch_values(batch, outputs)),
                           1 + 1e-6f * (float)++state->calls);
}

SCION_PLUGIN_LOSS("loss-remembers", .summary = "a loss that grows with time", .size = sizeof(struct state),
                  .loss = loss);
