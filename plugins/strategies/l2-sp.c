/* L2-SP: weight decay towards the source's values instead of 0. */
#include <scion/scion.h>

struct l2_sp {
        float alpha;
        float beta;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct l2_sp, alpha, 0.1,
                    "weight of the decay of copied parameters towards the source's values", .min = 0),
        SCION_FLOAT(struct l2_sp, beta, 0.01, "weight of the decay of the new head towards 0", .min = 0),
        SCION_PARAMS_END,
};

/* Switches off the optimizer's weight decay, which the penalty replaces. */
static bool setup(void *self, struct scion_transfer *transfer)
{
        struct scion_model *target = scion_target(transfer);

        (void)self;
        for (int i = 0; i < scion_model_parameter_count(target); i++)
                scion_parameter_decay(scion_model_parameter(target, i), false);
        return scion_model_copy(target, scion_source(transfer), false) >= 0;
}

static struct scion_tensor *square(struct scion_tensor *x)
{
        return scion_sum(scion_mul(x, x), SCION_ALL_AXES, false);
}

/* Returns alpha/2 |w_S - w_S^0|^2 + beta/2 |w_new|^2. */
static struct scion_tensor *penalty(const struct l2_sp *l2, struct scion_transfer *transfer)
{
        struct scion_model *target = scion_target(transfer), *source = scion_source(transfer);
        struct scion_tensor *sum = scion_full(SCION_SCALAR, 0);

        for (int i = 0; i < scion_model_parameter_count(target); i++) {
                struct scion_parameter *parameter = scion_model_parameter(target, i);
                struct scion_tensor *w = scion_parameter_tensor(parameter);
                bool is_new = scion_model_in_head(target, parameter);

                if (!is_new)
                        w = scion_sub(w, scion_parameter_tensor(
                                                 scion_model_find(source, scion_parameter_name(parameter))));
                sum = scion_add(sum, scion_scale(square(w), (is_new ? l2->beta : l2->alpha) / 2));
        }
        return sum;
}

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        struct scion_tensor *task = scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
        struct scion_tensor *l2_sp = penalty(self, transfer);

        scion_log_scalar(transfer, "l2_sp", l2_sp);
        return scion_add(task, l2_sp);
}

SCION_PLUGIN_STRATEGY("l2-sp", .summary = "fine-tune with weight decay towards the source's values",
                      .reference = "Li, Grandvalet, Davoine. ICML 2018. arXiv:1802.01483", .params = params,
                      .size = sizeof(struct l2_sp), .needs = SCION_NEEDS_SOURCE, .setup = setup,
                      .loss = loss);
