/*
 * Cross-entropy of logits and labels, as PyTorch's CrossEntropyLoss with reduction='mean'. With p = softmax(outputs),
 * class weights w (1 if not given), smoothing e, K classes, and sums over the batch's examples n:
 *
 *      loss = sum_n [ (1 - e) w[y_n] (-ln p[n, y_n]) + e/K sum_c w[c] (-ln p[n, c]) ] / sum_n w[y_n]
 */
#include <scion/loss.h>

struct cross_entropy {
        float label_smoothing;
        struct scion_floats class_weights;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct cross_entropy, label_smoothing, 0,
                    "fraction of each label that is spread evenly over all classes", .max = 1,
                    .below_max = true),
        SCION_FLOATS(struct cross_entropy, class_weights, NULL,
                     "weight of the examples of each class, one entry for each class; left out: all 1",
                     .min = 0),
        SCION_PARAMS_END
};

static bool validate(void *self)
{
        const struct scion_floats *weights = &((const struct cross_entropy *)self)->class_weights;
        float sum = 0;

        for (size_t i = 0; i < weights->count; i++)
                sum += weights->value[i];
        return weights->count == 0 || sum > 0 || scion_fail("class_weights: all are zero");
}

static bool batch_check(const struct cross_entropy *ce, struct scion_tensor *outputs,
                        const struct scion_batch *batch)
{
        struct scion_shape shape = scion_shape(outputs);
        char text[96];

        if (!outputs)
                return false;
        if (!batch->labels)
                return scion_fail("cross-entropy: takes class labels; this dataset's targets are values");
        if (shape.ndim != 2)
                return scion_fail("cross-entropy: takes outputs of shape NxK, got %s",
                                  scion_shape_text(&shape, text, sizeof text));
        if (ce->class_weights.count > 0 && (int64_t)ce->class_weights.count != shape.dim[1])
                return scion_fail("cross-entropy: class_weights has %zu entries for %lld classes",
                                  ce->class_weights.count, (long long)shape.dim[1]);
        return true;
}

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        const struct cross_entropy *ce = self;
        const float e = ce->label_smoothing;

        if (!batch_check(ce, outputs, batch))
                return NULL;
        int64_t classes = scion_dim(outputs, 1);
        struct scion_tensor *logp = scion_log_softmax(outputs, 1);
        struct scion_tensor *mass = scion_scalar((float)batch->size); /* sum_n w[y_n] */

        if (ce->class_weights.count > 0) {
                struct scion_tensor *w = scion_from(SCION_SHAPE(classes), ce->class_weights.value);

                logp = scion_mul(logp, w);
                mass = scion_sum(scion_mul(scion_one_hot(batch->labels, classes), w), SCION_ALL_AXES, false);
        }
        struct scion_tensor *hit = scion_sum(scion_pick(logp, batch->labels), SCION_ALL_AXES, false);

        if (e == 0)
                return scion_neg(scion_div(hit, mass));
        struct scion_tensor *all = scion_sum(logp, SCION_ALL_AXES, false);

        return scion_neg(
                scion_div(scion_add(scion_scale(hit, 1 - e), scion_scale(all, e / (float)classes)), mass));
}

SCION_PLUGIN_LOSS("cross-entropy", .summary = "cross-entropy of logits and class labels",
                  .reference = "Szegedy et al. CVPR 2016. arXiv:1512.00567 (label smoothing)",
                  .params = params, .size = sizeof(struct cross_entropy), .validate = validate, .loss = loss);
