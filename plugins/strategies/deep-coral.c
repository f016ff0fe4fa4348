/* Deep CORAL: features whose covariances are alike in both domains. */
#include <scion/losses.h>
#include <scion/scion.h>

struct deep_coral {
        float weight, supervised;
        struct scion_strings layers;
        struct scion_strings paths; /* of the modules that they name */
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct deep_coral, weight, 1, "of the distance between the covariances", .min = 0),
        SCION_FLOAT(struct deep_coral, supervised, 0,
                    "weight of the target's own labels; 0: they are not used", .min = 0),
        SCION_STRINGS(struct deep_coral, layers, "[\"\"]",
                      "modules whose outputs are to be alike; \"\" is the whole model: its logits"),
        SCION_PARAMS_END,
};

static bool setup(void *self, struct scion_transfer *transfer)
{
        struct deep_coral *coral = self;
        struct scion_model *target = scion_target(transfer);

        return scion_join_domains(transfer, coral->supervised) &&
               scion_model_copy(target, scion_source(transfer), true) >= 0 &&
               scion_model_select(target, &coral->layers, &coral->paths);
}

/* The task's loss of labelled examples + weight * sum over layers of |C_S - C_T|^2 / (4 d^2). */
static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct deep_coral *coral = self;
        struct scion_tensor *sum = scion_full(SCION_SCALAR, 0);

        (void)batch;
        for (size_t i = 0; i < coral->paths.count; i++) {
                const char *path = coral->paths.value[i];

                sum = scion_add(sum, scion_coral(scion_domain_features(transfer, SCION_DOMAIN_SOURCE, path),
                                                 scion_domain_features(transfer, SCION_DOMAIN_TARGET, path)));
        }
        scion_log_scalar(transfer, "coral", sum);
        return scion_add(scion_domains_loss(transfer), scion_scale(sum, coral->weight));
}

SCION_PLUGIN_STRATEGY("deep-coral", .summary = "unsupervised adaptation: equal covariances in both domains",
                      .reference = "Sun, Saenko. ECCV 2016 workshops. arXiv:1607.01719", .params = params,
                      .size = sizeof(struct deep_coral),
                      .needs = SCION_NEEDS_SOURCE_BATCHES | SCION_NEEDS_UNLABELLED | SCION_NEEDS_SAME_CLASSES,
                      .setup = setup, .loss = loss, .min_batch = 2);
