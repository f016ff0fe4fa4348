/* The mean squared error over all elements: mean((outputs - targets)^2). Labels become one-hot rows. */
#include <scion/loss.h>

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        char made[96], wanted[96];

        (void)self;
        if (!outputs)
                return NULL;
        struct scion_tensor *targets =
                batch->labels ? scion_one_hot(batch->labels, scion_dim(outputs, 1)) : batch->targets;
        struct scion_shape given = scion_shape(outputs), meant = scion_shape(targets);

        if (!targets)
                return NULL;
        /* Subtraction would broadcast, and quietly mean something else. */
        if (!scion_shape_equal(&given, &meant))
                return scion_fail_null("mse: outputs of shape %s, targets of shape %s",
                                       scion_shape_text(&given, made, sizeof made),
                                       scion_shape_text(&meant, wanted, sizeof wanted));
        struct scion_tensor *error = scion_sub(outputs, targets);

        return scion_mean(scion_mul(error, error), SCION_ALL_AXES, false);
}

SCION_PLUGIN_LOSS("mse", .summary = "mean squared error; labels count as one-hot rows", .loss = loss);
