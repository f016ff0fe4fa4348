/* Deep CORAL: features with similar covariances in both domains. */
#include <scion/losses.h>
#include <scion/scion.h>

struct deep_coral {
        float weight, supervised;
        struct scion_strings layers;
        struct scion_strings paths; /* of the modules that `layers` selects */
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct deep_coral, weight, 1, "weight of the distance between the covariances", .min = 0),
        SCION_FLOAT(struct deep_coral, supervised, 0,
                    "weight of the loss on the target's labelled examples; 0: not used", .min = 0),
        SCION_STRINGS(struct deep_coral, layers, "[\"\"]",
                      "modules whose outputs are matched; \"\" is the whole model: its logits"),
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

/* task + weight * sum over layers of |C_S - C_T|^2 / (4 d^2), with the task's loss on labelled examples */
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

SCION_PLUGIN_STRATEGY("deep-coral",
                      .summary = "unsupervised adaptation: match the covariances of both domains",
                      .reference = "Sun, Saenko. ECCV 2016 workshops. arXiv:1607.01719", .params = params,
                      .size = sizeof(struct deep_coral),
                      .needs = SCION_NEEDS_SOURCE_BATCHES | SCION_NEEDS_UNLABELLED | SCION_NEEDS_SAME_CLASSES,
                      .setup = setup, .loss = loss, .min_batch = 2);
