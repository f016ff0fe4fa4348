/*
 * The mean over examples of KL(targets || softmax(outputs / temperature)). The targets are probabilities of the
 * classes, soft labels. Labels become one-hot rows, for which the loss is the cross-entropy.
 */
#include <math.h>
#include <scion/loss.h>
#include <scion/losses.h>

#define SLACK 1e-3 /* tolerance for the sum of a row of rounded probabilities */

struct kl_divergence {
        float temperature;
};

static const struct scion_param params[] = { SCION_FLOAT(struct kl_divergence, temperature, 1,
                                                         "the outputs are divided by this", .min = 0,
                                                         .above_min = true),
                                             SCION_PARAMS_END };

/* Reads the targets back from the device in each step. */
static bool targets_check(struct scion_tensor *targets)
{
        const float *p = scion_data(targets);
        int64_t classes = scion_dim(targets, -1);

        for (int64_t i = 0; p && i < scion_dim(targets, 0); i++) {
                double sum = 0;

                for (int64_t c = 0; c < classes; c++, p++) {
                        if (!(*p >= 0))
                                return scion_fail(
                                        "kl-divergence: the targets are probabilities; example %lld of "
                                        "the batch has %g for class %lld",
                                        (long long)i, (double)*p, (long long)c);
                        sum += (double)*p;
                }
                if (!(fabs(sum - 1) <= SLACK))
                        return scion_fail(
                                "kl-divergence: the targets are probabilities that add up to 1; those "
                                "of example %lld of the batch add up to %g",
                                (long long)i, sum);
        }
        return p != NULL;
}

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        const struct kl_divergence *kl = self;
        struct scion_tensor *targets = scion_batch_values(batch, outputs);

        if (!targets_check(targets))
                return NULL;
        /* softmax(ln p) is p */
        return scion_kl_divergence(scion_scale(outputs, 1 / kl->temperature), scion_log(targets), 1);
}

SCION_PLUGIN_LOSS("kl-divergence", .summary = "KL divergence of the outputs' softmax from soft labels",
                  .reference = "Hinton, Vinyals, Dean. 2015. arXiv:1503.02531", .params = params,
                  .size = sizeof(struct kl_divergence), .loss = loss);
