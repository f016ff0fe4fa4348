/* A strategy that changes whatever it may, and logs now and then. */
#include <scion/scion.h>
#include <stdlib.h>

/* The source is changed too: a run that goes on must give setup() the same one again. */
static bool halve(struct scion_parameter *parameter)
{
        struct scion_shape shape = scion_parameter_shape(parameter);
        int64_t count = scion_shape_size(&shape);
        float *value = malloc((size_t)count * sizeof *value + 1);
        bool good = value && scion_parameter_read(parameter, value);

        for (int64_t i = 0; good && i < count; i++)
                value[i] *= 0.5f;
        good = good && scion_parameter_write(parameter, value);
        free(value);
        return good;
}

static bool setup(void *self, struct scion_transfer *transfer)
{
        struct scion_model *source = scion_source(transfer), *target = scion_target(transfer);

        (void)self;
        for (int i = 0; i < scion_model_parameter_count(source); i++)
                if (!halve(scion_model_parameter(source, i)))
                        return false;
        scion_parameter_freeze(scion_model_parameter(target, 0), true);
        scion_parameter_scale_lr(scion_model_parameter(target, 1), 0.25f);
        scion_parameter_decay(scion_model_parameter(target, 2), false);
        return scion_model_copy(target, source, false) >= 0;
}

static struct scion_tensor *mean_square(struct scion_tensor *x)
{
        return scion_mean(scion_mul(x, x), SCION_ALL_AXES, false);
}

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        struct scion_tensor *outputs = scion_target_logits(transfer, batch);
        struct scion_tensor *task = scion_task_loss(transfer, outputs, batch);

        (void)self;
        if (task && scion_item(task) < 1)
                scion_log_scalar(transfer, "late", task);
        scion_log_scalar(transfer, "known", mean_square(scion_source_logits(transfer, batch)));
        scion_log_scalar(transfer, "task", task);
        return scion_add(task, scion_scale(mean_square(outputs), 0.01f));
}

SCION_PLUGIN_STRATEGY("restless", .summary = "a strategy for a test", .needs = SCION_NEEDS_SOURCE,
                      .setup = setup, .loss = loss);
