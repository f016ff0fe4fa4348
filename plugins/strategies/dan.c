/* Deep adaptation network: features with similar distributions in both domains, by a multi-kernel MMD. */
#include <scion/losses.h>
#include <scion/scion.h>

struct dan {
        float weight, supervised;
        struct scion_strings layers;
        int estimator, heuristic;
        int64_t kernels;
        float step;
        struct scion_strings paths; /* of the modules that `layers` selects */
};

static const char *const estimators[] = {
        [SCION_MMD_LINEAR] = "linear", [SCION_MMD_BIASED] = "biased", [SCION_MMD_UNBIASED] = "unbiased", NULL
};
static const char *const heuristics[] = { [SCION_MMD_MEDIAN] = "median", [SCION_MMD_MEAN] = "mean", NULL };

static const struct scion_param params[] = {
        SCION_FLOAT(struct dan, weight, 10, "weight of the discrepancy", .min = 0),
        SCION_FLOAT(struct dan, supervised, 0,
                    "weight of the loss on the target's labelled examples; 0: not used", .min = 0),
        SCION_STRINGS(struct dan, layers, NULL,
                      "modules whose outputs are matched; left out: the head's input and output"),
        SCION_CHOICE(struct dan, estimator, estimators, SCION_MMD_UNBIASED,
                     "linear: as in the paper, for large batches; biased: as in most code"),
        SCION_CHOICE(struct dan, heuristic, heuristics, SCION_MMD_MEDIAN,
                     "statistic of the squared distances that the kernels' widths are multiples of"),
        SCION_INT(struct dan, kernels, 5, "number of kernels", .min = 1, .max = 99),
        SCION_FLOAT(struct dan, step, 2, "factor between the widths of neighbouring kernels", .min = 1,
                    .above_min = true),
        SCION_PARAMS_END,
};

static bool setup(void *self, struct scion_transfer *transfer)
{
        static const char *const last[] = { NULL, "" };
        struct dan *dan = self;
        struct scion_model *target = scion_target(transfer);

        dan->paths = (struct scion_strings){ .value = last, .count = 2 };
        return scion_join_domains(transfer, dan->supervised) &&
               scion_model_copy(target, scion_source(transfer), true) >= 0 &&
               (dan->layers.count == 0 || scion_model_select(target, &dan->layers, &dan->paths));
}

/* task + weight * sum over layers of MMD^2(source, target), with the task's loss on labelled examples */
static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct dan *dan = self;
        const struct scion_mmd kernel = { .estimator = (enum scion_mmd_estimator)dan->estimator,
                                          .heuristic = (enum scion_mmd_bandwidth)dan->heuristic,
                                          .kernels = (int)dan->kernels,
                                          .step = dan->step };
        struct scion_tensor *sum = scion_full(SCION_SCALAR, 0);

        (void)batch;
        for (size_t i = 0; i < dan->paths.count; i++) {
                const char *path = dan->paths.value[i];

                sum = scion_add(sum, scion_mmd(scion_domain_features(transfer, SCION_DOMAIN_SOURCE, path),
                                               scion_domain_features(transfer, SCION_DOMAIN_TARGET, path),
                                               &kernel));
        }
        scion_log_scalar(transfer, "mmd", sum);
        return scion_add(scion_domains_loss(transfer), scion_scale(sum, dan->weight));
}

SCION_PLUGIN_STRATEGY(
        "dan",
        .summary = "unsupervised adaptation: match the distributions of features by a multi-kernel MMD",
        .reference = "Long, Cao, Wang, Jordan. ICML 2015. arXiv:1502.02791", .params = params,
        .size = sizeof(struct dan),
        .needs = SCION_NEEDS_SOURCE_BATCHES | SCION_NEEDS_UNLABELLED | SCION_NEEDS_SAME_CLASSES,
        .setup = setup, .loss = loss, .min_batch = 2);
