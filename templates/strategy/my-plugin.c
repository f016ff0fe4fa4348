/*
 * my-plugin: fine-tuning that keeps the source's features.
 *
 * The target starts from the source's values and learns its own task; what reaches its head is kept near to what
 * reaches the source's.
 */
#include <scion/scion.h>

struct my_plugin {
        float weight;
};

/* What experiment.yaml may set. Types, ranges and names are checked by this table. */
static const struct scion_param params[] = {
        SCION_FLOAT(struct my_plugin, weight, 0.1, "of the features' distance, beside the task's loss",
                    .min = 0),
        SCION_PARAMS_END,
};

/* Once, before training: the target, drawn afresh, takes the source's values, but for the head. */
static bool setup(void *self, struct scion_transfer *transfer)
{
        (void)self;
        return scion_model_copy(scion_target(transfer), scion_source(transfer), false) >= 0;
}

/* For each batch: task + weight |f - f_source|^2. Features of NULL are what the head is given. */
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
        .summary = "fine-tune, and keep the source's features",
        .params  = params,
        .size    = sizeof(struct my_plugin),
        .needs   = SCION_NEEDS_SOURCE,
        .setup   = setup,
        .loss    = loss);
