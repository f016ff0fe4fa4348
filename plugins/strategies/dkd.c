/* Decoupled distillation: separate terms for the label's class against the others, and for the others among
 * themselves. */
#include <scion/losses.h>
#include <scion/scion.h>

struct dkd {
        float alpha, beta, temperature;
        int64_t warmup;
        float weight; /* factor in this epoch, at most 1 */
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct dkd, alpha, 1, "weight of the term for the label's class against all others",
                    .min = 0),
        SCION_FLOAT(struct dkd, beta, 2, "weight of the term for the other classes among themselves",
                    .min = 0),
        SCION_FLOAT(struct dkd, temperature, 4, "temperature at which both models' outputs are compared",
                    .above_min = true),
        SCION_INT(struct dkd, warmup, 10,
                  "epochs over which both weights rise; 0: none, which needs a small lr", .min = 0),
        SCION_PARAMS_END,
};

static bool begin_epoch(void *self, struct scion_transfer *transfer, int64_t epoch)
{
        struct dkd *dkd = self;

        (void)transfer;
        dkd->weight = epoch < dkd->warmup ? (float)epoch / (float)dkd->warmup : 1;
        return true;
}

/* Returns z with the label's logit set to -infinity, so that its softmax covers the other classes only. */
static struct scion_tensor *logits_others(struct scion_tensor *z, struct scion_tensor *labels)
{
        struct scion_tensor *not_label = scion_shift(scion_neg(scion_one_hot(labels, scion_dim(z, 1))), 1);

        return scion_add(z, scion_log(not_label));
}

/* Returns two logits for each example, [N, 2], whose softmax is the probability of the label and of all other
 * classes. */
static struct scion_tensor *logits_two_way(struct scion_tensor *z, struct scion_tensor *labels)
{
        struct scion_shape column = SCION_SHAPE(-1, 1);
        struct scion_tensor *way[] = { scion_reshape(scion_pick(z, labels), column),
                                       scion_reshape(scion_logsumexp(logits_others(z, labels), 1), column) };

        return scion_concat(way, 2, 1);
}

/* task + weight T^2 (alpha TCKD + beta NCKD) */
static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct dkd *dkd = self;
        struct scion_tensor *logits = scion_target_logits(transfer, batch), *y = batch->labels;
        struct scion_tensor *s = scion_scale(logits, 1 / dkd->temperature);
        struct scion_tensor *t = scion_scale(scion_source_logits(transfer, batch), 1 / dkd->temperature);

        if (!y)
                return scion_fail_null("takes class labels; the target dataset's targets are values");
        if (!s || !t)
                return NULL;
        struct scion_tensor *tckd = scion_kl_divergence(logits_two_way(s, y), logits_two_way(t, y), 1);
        struct scion_tensor *nckd = scion_kl_divergence(logits_others(s, y), logits_others(t, y), 1);

        scion_log_scalar(transfer, "tckd", tckd);
        scion_log_scalar(transfer, "nckd", nckd);
        struct scion_tensor *sum = scion_add(scion_scale(tckd, dkd->alpha), scion_scale(nckd, dkd->beta));

        return scion_add(scion_task_loss(transfer, logits, batch),
                         scion_scale(sum, dkd->weight * dkd->temperature * dkd->temperature));
}

SCION_PLUGIN_STRATEGY(
        "dkd", .summary = "decoupled distillation: separate terms for the label's class and the others",
        .reference = "Zhao, Cui, Song, Qiu, Liang. CVPR 2022. arXiv:2203.08679", .params = params,
        .size = sizeof(struct dkd), .needs = SCION_NEEDS_SOURCE | SCION_NEEDS_SAME_CLASSES, .loss = loss,
        .begin_epoch = begin_epoch);
