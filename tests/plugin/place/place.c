/* A strategy or a loss whose formula has shapes that do not go together, in a function of its own and last of all:
 * what an optimising compiler would make no call of. */
#include <scion/scion.h>

static struct scion_tensor *inner(struct scion_tensor *x)
{
        struct scion_tensor *y = scion_exp(x);

        y = scion_mul(y, scion_zeros(SCION_SHAPE(3, 7))); /* line of the failure */
        return scion_sum(y, SCION_ALL_AXES, false);
}

#ifdef LOSS

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        (void)self;
        (void)batch;
        return inner(outputs);
}

SCION_PLUGIN_LOSS(LOSS, .summary = "a loss of the wrong shape", .loss = loss);

#else

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        (void)self;
        return inner(scion_target_logits(transfer, batch));
}

SCION_PLUGIN_STRATEGY(STRATEGY, .summary = "a strategy of the wrong shape", .loss = loss);

#endif
