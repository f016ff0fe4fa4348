/* docs/examples/strategies/lwf.c: learns a new task and keeps the source's outputs for the old one. */
#include <scion/scion.h>
#include <string.h>

struct lwf {
        float lambda, temperature;
        int64_t warm_up;
        struct scion_model *old; /* not a parameter: the old head, set by setup() */
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct lwf, lambda, 1, "weight of the old task's loss", .min = 0),
        SCION_FLOAT(struct lwf, temperature, 2, "temperature of the old task's loss", .min = 0,
                    .above_min = true),
        SCION_INT(struct lwf, warm_up, 0, "first epochs, in which only the new head is trained", .min = 0),
        SCION_PARAMS_END,
};

/* Creates a model of the strategy's own, a linear layer with the values of the source's head. */
static struct scion_model *head_copy(struct scion_transfer *transfer)
{
        struct scion_model *source = scion_source(transfer);
        struct scion_module *from = scion_model_module(source, scion_model_head(source));
        struct scion_shape features = scion_model_feature_shape(source, NULL);

        if (strcmp(scion_module_kind(from), "linear") != 0)
                return scion_fail_null("takes models whose head is a linear layer, got %s",
                                       scion_module_kind(from));
        bool bias = scion_module_parameter(from, "bias") != NULL;
        struct scion_model *head = scion_own_model(
                transfer, "old", scion_nn_linear(features.dim[0], scion_model_outputs(source), bias));

        for (int i = 0; head && i < scion_model_parameter_count(head); i++) {
                struct scion_parameter *to = scion_model_parameter(head, i);
                struct scion_parameter *values = scion_module_parameter(from, scion_parameter_name(to));

                if (!scion_parameter_write(to, scion_data(scion_parameter_tensor(values))))
                        return NULL;
        }
        return head;
}

/* Copies the source's values to the target, except for the head, which is new. */
static bool setup(void *self, struct scion_transfer *transfer)
{
        struct lwf *lwf = self;

        lwf->old = head_copy(transfer);
        if (lwf->warm_up > 0 && scion_add_stage(transfer, "warm_up", lwf->warm_up) < 0)
                return false;
        return lwf->old && scion_model_copy(scion_target(transfer), scion_source(transfer), false) >= 0;
}

/* In the warm-up everything is frozen except the new head; in the main stage, the last one, nothing is frozen. */
static bool begin_stage(void *self, struct scion_transfer *transfer, int stage)
{
        const struct lwf *lwf = self;
        struct scion_model *target = scion_target(transfer);
        bool warm_up = lwf->warm_up > 0 && stage == 0;

        for (int i = 0; i < scion_model_parameter_count(target); i++) {
                struct scion_parameter *p = scion_model_parameter(target, i);

                scion_parameter_freeze(p, warm_up && !scion_model_in_head(target, p));
        }
        for (int i = 0; i < scion_model_parameter_count(lwf->old); i++)
                scion_parameter_freeze(scion_model_parameter(lwf->old, i), warm_up);
        return true;
}

/* Returns the new task's loss + lambda KL(source's outputs || old head's outputs), both for the new task's data. */
static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct lwf *lwf = self;
        struct scion_tensor *task = scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
        struct scion_tensor *features = scion_target_features(transfer, batch, NULL); /* the head's input */
        struct scion_tensor *old =
                scion_kl_divergence(scion_model_forward(lwf->old, features),
                                    scion_source_logits(transfer, batch), lwf->temperature);

        scion_log_scalar(transfer, "old", old); /* the column train_old of metrics.csv */
        return scion_add(task, scion_scale(old, lwf->lambda));
}

SCION_PLUGIN_STRATEGY("lwf", .summary = "learning without forgetting: the old task's outputs are kept",
                      .reference = "Li, Hoiem. ECCV 2016. arXiv:1606.09282", .params = params,
                      .size = sizeof(struct lwf), .needs = SCION_NEEDS_SOURCE, .setup = setup,
                      .begin_stage = begin_stage, .loss = loss);
