/* docs/examples/losses/focal.c: cross-entropy with lower weights for examples that are classified well. */
#include <scion/scion.h>

struct focal {
        float gamma;
        struct scion_floats alpha; /* class weights */
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct focal, gamma, 2,
                    "reduces the weight of well classified examples; 0: cross-entropy", .min = 0, .max = 100),
        SCION_FLOATS(struct focal, alpha, NULL, "weight of each class; left out: all 1", .min = 0),
        SCION_PARAMS_END,
};

static bool batch_check(const struct focal *focal, const struct scion_batch *batch)
{
        if (!batch->labels)
                return scion_fail("focal: takes class labels; this dataset's targets are values");
        if (focal->alpha.count > 0 && (int64_t)focal->alpha.count != batch->classes)
                return scion_fail("focal: alpha has %zu entries for %lld classes", focal->alpha.count,
                                  (long long)batch->classes);
        return true;
}

/* Returns the mean of -alpha[y] (1 - p[y])^gamma ln p[y], where p = softmax(outputs). */
static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        const struct focal *focal = self;

        if (!batch_check(focal, batch))
                return NULL;
        struct scion_tensor *label = scion_one_hot(batch->labels, batch->classes);
        struct scion_tensor *logp = scion_pick(scion_log_softmax(outputs, 1), batch->labels);
        /* Computes 1 - p[y] as the sum over the other classes, which is accurate also for p[y] near 1. */
        struct scion_tensor *others = scion_mul(scion_softmax(outputs, 1), scion_shift(scion_neg(label), 1));
        struct scion_tensor *rest = scion_sum(others, SCION_AXIS(1), false);
        /* Adds 1e-30 because the gradient of x^gamma at 0 is infinite for gamma < 1. */
        struct scion_tensor *each = scion_mul(scion_pow(scion_shift(rest, 1e-30f), focal->gamma), logp);

        if (focal->alpha.count > 0) {
                struct scion_tensor *alpha = scion_from(SCION_SHAPE(batch->classes), focal->alpha.value);

                each = scion_mul(each, scion_sum(scion_mul(label, alpha), SCION_AXIS(1), false));
        }
        return scion_neg(scion_mean(each, SCION_ALL_AXES, false));
}

SCION_PLUGIN_LOSS("focal", .summary = "focal loss of logits and class labels",
                  .reference = "Lin, Goyal, Girshick, He, Dollar. ICCV 2017. arXiv:1708.02002",
                  .params = params, .size = sizeof(struct focal), .loss = loss);
