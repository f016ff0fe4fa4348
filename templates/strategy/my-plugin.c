/*
 * my-plugin: fine-tuning with features that stay close to the source's.
 *
 * The target starts from the source's values and is trained on its own task. A second term of the loss keeps the
 * input of its head close to the input of the source's head.
 */
#include <scion/scion.h>

struct my_plugin {
        float weight;
};

/* The parameters that experiment.yaml can set. The engine checks names, types and ranges by this table. */
static const struct scion_param params[] = {
        SCION_FLOAT(struct my_plugin, weight, 0.1, "weight of the features' distance", .min = 0),
        SCION_PARAMS_END,
};

/* Called once, before training: copies the source's values to the target, except for the head. */
static bool setup(void *self, struct scion_transfer *transfer)
{
        (void)self;
        return scion_model_copy(scion_target(transfer), scion_source(transfer), false) >= 0;
}

/* Called for each batch: task + weight |f - f_source|^2. The features at path NULL are the head's input. */
static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct my_plugin *plugin = self;
        struct scion_tensor *task = scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
        struct scion_tensor *distance = scion_mse(scion_target_features(transfer, batch, NULL),
                                                  scion_source_features(transfer, batch, NULL));

        scion_log_scalar(transfer, "distance", distance); /* the column train_distance of metrics.csv */
        return scion_add(task, scion_scale(distance, plugin->weight));
}

/* clang-format off */
SCION_PLUGIN_STRATEGY("my-plugin",
        .summary = "fine-tune, with features that stay close to the source's",
        .params  = params,
        .size    = sizeof(struct my_plugin),
        .needs   = SCION_NEEDS_SOURCE,
        .setup   = setup,
        .loss    = loss);
