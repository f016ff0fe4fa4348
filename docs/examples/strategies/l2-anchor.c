/* docs/examples/strategies/l2-anchor.c: fine-tuning with weight decay towards the source's values. */
#include <scion/scion.h>

struct l2_anchor {
        float alpha; /* weight of the decay */
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct l2_anchor, alpha, 0.01, "weight of the decay towards the source's values",
                    .min = 0),
        SCION_PARAMS_END,
};

/* Copies the source's values to the target, except for the head, which has other classes. */
static bool setup(void *self, struct scion_transfer *transfer)
{
        (void)self;
        return scion_model_copy(scion_target(transfer), scion_source(transfer), false) >= 0;
}

/* Returns the task's loss + alpha/2 |w - w0|^2, over all parameters outside the head. */
static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct l2_anchor *anchor = self;
        struct scion_model *target = scion_target(transfer), *source = scion_source(transfer);
        struct scion_tensor *task = scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
        struct scion_tensor *pull = scion_scalar(0);

        for (int i = 0; i < scion_model_parameter_count(target); i++) {
                struct scion_parameter *w = scion_model_parameter(target, i);

                if (scion_model_in_head(target, w))
                        continue;
                struct scion_parameter *w0 = scion_model_find(source, scion_parameter_name(w));
                struct scion_tensor *moved =
                        scion_sub(scion_parameter_tensor(w), scion_detach(scion_parameter_tensor(w0)));

                pull = scion_add(pull, scion_sum(scion_mul(moved, moved), SCION_ALL_AXES, false));
        }
        pull = scion_scale(pull, anchor->alpha / 2);
        scion_log_scalar(transfer, "pull", pull); /* the column train_pull of metrics.csv */
        return scion_add(task, pull);
}

SCION_PLUGIN_STRATEGY("l2-anchor", .summary = "fine-tune with weight decay towards the source's values",
                      .reference = "Li, Grandvalet, Davoine. ICML 2018. arXiv:1802.01483", .params = params,
                      .size = sizeof(struct l2_anchor), .needs = SCION_NEEDS_SOURCE, .setup = setup,
                      .loss = loss);
