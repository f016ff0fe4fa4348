/*
 * Does not check whether there are labels.
 *
 * FAILED: what it cannot take it refuses with a reason
 * says: in loss() of a batch with neither labels nor values
 */
#include <scion/loss.h>

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        (void)self;
        struct scion_tensor *logp = scion_log_softmax(outputs, 1);
        float sum = 0;

        if (batch->targets)
                return scion_fail_null("takes class labels");
        const int32_t *label = scion_data_i32(batch->labels);

        for (int64_t i = 0; i < batch->size; i++)
                sum += (float)label[i];
        return scion_add(scion_scale(scion_scalar(sum), 0),
                         scion_neg(scion_mean(scion_pick(logp, batch->labels), SCION_ALL_AXES, false)));
}

SCION_PLUGIN_LOSS("loss-unlabelled", .summary = "a loss that counts on labels", .loss = loss);
