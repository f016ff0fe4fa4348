/* A strategy or a loss with an operation on incompatible shapes. The operation is in a function of its own,
 * which is called last, so that an optimising compiler would turn the call into a jump. */
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
