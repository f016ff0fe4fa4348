/*
 * my-plugin: cross-entropy plus a weighted first term of its series.
 *
 * Leng et al. ICLR 2022. arXiv:2204.12511 (Poly-1)
 */
#include <scion/scion.h>

struct my_plugin {
        float epsilon;
};

/* The parameters that experiment.yaml can set. The engine checks names, types and ranges by this table. */
static const struct scion_param params[] = {
        SCION_FLOAT(struct my_plugin, epsilon, 1, "weight of 1 - p, which is added to the cross-entropy",
                    .min = 0),
        SCION_PARAMS_END,
};

/* Returns the mean over examples of -ln p + epsilon (1 - p), where p is the label's probability, for outputs [N,
 * K]. */
static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        const struct my_plugin *plugin = self;

        if (!batch->labels)
                return scion_fail_null("my-plugin: takes class labels; this dataset's targets are values");
        struct scion_tensor *log_p = scion_pick(scion_log_softmax(outputs, 1), batch->labels); /* [N] */
        struct scion_tensor *rest = scion_shift(scion_neg(scion_exp(log_p)), 1);               /* 1 - p */
        struct scion_tensor *each = scion_sub(scion_scale(rest, plugin->epsilon), log_p);

        return scion_mean(each, SCION_ALL_AXES, false);
}

/* clang-format off */
SCION_PLUGIN_LOSS("my-plugin",
        .summary   = "cross-entropy plus a weighted first term of its series",
        .reference = "Leng et al. ICLR 2022. arXiv:2204.12511",
        .params    = params,
        .size      = sizeof(struct my_plugin),
        .loss      = loss);
