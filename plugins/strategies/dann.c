/* Domain-adversarial training: features from which a classifier cannot tell the domain. */
#include <math.h>
#include <scion/losses.h>
#include <scion/scion.h>
#include <stdio.h>

struct dann {
        float weight, gamma, supervised;
        const char *layer;
        struct scion_ints hidden;
        float lr_scale;
        struct scion_model *domain; /* the classifier: [N, features] -> [N, 1] */
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct dann, weight, 1, "final factor of the reversed gradient", .min = 0),
        SCION_FLOAT(struct dann, gamma, 10, "how fast the factor rises; 0: constant from the start",
                    .min = 0),
        SCION_FLOAT(struct dann, supervised, 0,
                    "weight of the loss on the target's labelled examples; 0: not used", .min = 0),
        SCION_STRING(struct dann, layer, NULL,
                     "module whose output must not reveal the domain; left out: the head's input"),
        SCION_INTS(struct dann, hidden, "[100]", "units of the domain classifier's hidden layers", .min = 1,
                   .max = 65536),
        SCION_FLOAT(struct dann, lr_scale, 1, "factor of the domain classifier's learning rate", .min = 0),
        SCION_PARAMS_END,
};

static struct scion_module *classifier_create(const struct dann *dann, int64_t width)
{
        struct scion_module *net = scion_nn_sequential();
        char name[32];

        for (size_t i = 0; i < dann->hidden.count; width = dann->hidden.value[i++]) {
                snprintf(name, sizeof name, "fc%zu", i + 1);
                scion_nn_append(net, name, scion_nn_linear(width, dann->hidden.value[i], true));
                snprintf(name, sizeof name, "relu%zu", i + 1);
                scion_nn_append(net, name, scion_nn_relu());
        }
        snprintf(name, sizeof name, "fc%zu", dann->hidden.count + 1);
        return scion_nn_append(net, name, scion_nn_linear(width, 1, true));
}

static bool setup(void *self, struct scion_transfer *transfer)
{
        struct dann *dann = self;
        struct scion_model *target = scion_target(transfer);
        struct scion_shape features = scion_model_feature_shape(target, dann->layer);

        if (!scion_join_domains(transfer, dann->supervised) ||
            scion_model_copy(target, scion_source(transfer), true) < 0 || features.ndim < 1)
                return false;
        dann->domain =
                scion_own_model(transfer, "domain", classifier_create(dann, scion_shape_size(&features)));
        return dann->domain && scion_model_scale_lr(dann->domain, "*", dann->lr_scale);
}

/* Returns the binary cross-entropy of domain logits z: the mean of -ln sigmoid(z) for examples of the source, and of
 * -ln (1 - sigmoid(z)) for examples of the target. */
static struct scion_tensor *domain_loss(struct scion_tensor *source, struct scion_tensor *target)
{
        struct scion_tensor *z[] = { scion_neg(source), target };
        struct scion_tensor *wrong = scion_concat(z, 2, 0); /* positive if the classifier is wrong */
        struct scion_tensor *softplus = scion_add(
                scion_relu(wrong), scion_log(scion_shift(scion_exp(scion_neg(scion_abs(wrong))), 1)));

        return scion_mean(softplus, SCION_ALL_AXES, false);
}

/* Returns the domain classifier's logits for a domain's features, whose gradient is reversed and multiplied by
 * lambda. */
static struct scion_tensor *domain_logits(const struct dann *dann, struct scion_transfer *transfer,
                                          enum scion_domain domain, float lambda)
{
        struct scion_tensor *features = scion_domain_features(transfer, domain, dann->layer);

        return scion_model_forward(dann->domain, scion_reverse_gradient(features, lambda));
}

/* task + domain loss. The gradient of the domain loss reaches the features with the factor
 * -weight (2 / (1 + exp(-gamma p)) - 1), where p is the fraction of the training that is done. */
static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct dann *dann = self;
        double p = scion_progress(transfer), gamma = (double)dann->gamma;
        float lambda = dann->weight * (gamma > 0 ? (float)(2 / (1 + exp(-gamma * p)) - 1) : 1);
        struct scion_tensor *domain = domain_loss(domain_logits(dann, transfer, SCION_DOMAIN_SOURCE, lambda),
                                                  domain_logits(dann, transfer, SCION_DOMAIN_TARGET, lambda));

        (void)batch;
        scion_log_scalar(transfer, "domain", domain);
        return scion_add(scion_domains_loss(transfer), domain);
}

SCION_PLUGIN_STRATEGY("dann",
                      .summary = "unsupervised adaptation: features that hide the domain from a classifier",
                      .reference = "Ganin et al. JMLR 2016. arXiv:1505.07818", .params = params,
                      .size = sizeof(struct dann),
                      .needs = SCION_NEEDS_SOURCE_BATCHES | SCION_NEEDS_UNLABELLED | SCION_NEEDS_SAME_CLASSES,
                      .setup = setup, .loss = loss);
