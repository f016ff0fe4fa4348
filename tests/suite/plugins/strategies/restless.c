/* A strategy that has everything a strategy may have, and changes whatever it may, by what it measures. */
#include <math.h>
#include <scion/scion.h>
#include <stdlib.h>

#define OUTPUTS 4 /* of the target */

struct restless {
        struct scion_model *probe;
        float *mean; /* of the target's outputs, before the epoch */
};

/* Changes a parameter's plain values. */
static bool change(struct scion_parameter *parameter, void (*how)(float *value, int64_t count))
{
        struct scion_shape shape = scion_parameter_shape(parameter);
        int64_t count = scion_shape_size(&shape);
        float *value = malloc((size_t)count * sizeof *value + 1);
        bool good = value && scion_parameter_read(parameter, value);

        if (good)
                how(value, count);
        good = good && scion_parameter_write(parameter, value);
        free(value);
        return good;
}

static void halve(float *value, int64_t count)
{
        for (int64_t i = 0; i < count; i++)
                value[i] *= 0.5f;
}

/* The source is changed too: a run that goes on must give setup() the same one again. */
static bool setup(void *self, struct scion_transfer *transfer)
{
        struct scion_model *source = scion_source(transfer), *target = scion_target(transfer);
        struct restless *restless = self;

        for (int i = 0; i < scion_model_parameter_count(source); i++)
                if (!change(scion_model_parameter(source, i), halve))
                        return false;
        restless->probe = scion_own_model(transfer, "probe", scion_nn_linear(OUTPUTS, 1, true));
        restless->mean = scion_own_values(transfer, "mean", OUTPUTS);
        return restless->probe && restless->mean && scion_add_stage(transfer, "warm", 3) == 0 &&
               scion_model_copy(target, source, false) >= 0;
}

/* Holds the values at 0 that are below their mean by now. */
static bool prune(struct scion_parameter *parameter)
{
        struct scion_shape shape = scion_parameter_shape(parameter);
        int64_t count = scion_shape_size(&shape);
        float *value = malloc((size_t)count * sizeof *value + 1), sum = 0;
        bool good = value && scion_parameter_read(parameter, value);

        for (int64_t i = 0; good && i < count; i++)
                sum += fabsf(value[i]);
        for (int64_t i = 0; good && i < count; i++)
                value[i] = (float)(fabsf(value[i]) * (float)count >= sum);
        good = good && scion_parameter_mask(parameter, value);
        free(value);
        return good;
}

/* The second layer rests at first; what the first has learned by then says where it is pruned. */
static bool begin_stage(void *self, struct scion_transfer *transfer, int stage)
{
        struct scion_model *target = scion_target(transfer);

        (void)self;
        scion_parameter_freeze(scion_model_parameter(target, 2), stage == 0);
        scion_parameter_decay(scion_model_parameter(target, 2), stage == 0);
        return stage == 0 || prune(scion_model_parameter(target, 0));
}

static bool add_outputs(void *context, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        struct scion_tensor *outputs = scion_target_logits(transfer, batch);
        const float *value = scion_data(scion_mean(outputs, SCION_AXIS(0), false));
        float *mean = context;

        for (int i = 0; value && i < OUTPUTS; i++)
                mean[i] += 0.1f * value[i];
        return value != NULL;
}

/* What is frozen and how fast the rest goes depend on what was measured once. */
static bool begin_epoch(void *self, struct scion_transfer *transfer, int64_t epoch)
{
        const struct restless *restless = self;
        struct scion_model *target = scion_target(transfer);

        if (!scion_visit(transfer, add_outputs, restless->mean))
                return false;
        restless->mean[3] += (float)scion_progress(transfer);
        if (scion_source_batch(transfer) || scion_unlabelled_batch(transfer)) /* there are none now */
                return false;
        scion_log_scalar(transfer, "epoch", scion_scalar(1));
        if (epoch != 2)
                return true;
        for (int i = 1; i <= OUTPUTS; i += 2)
                scion_parameter_freeze(scion_model_parameter(target, i),
                                       restless->mean[i - 1] > restless->mean[i]);
        scion_parameter_scale_lr(scion_model_parameter(target, 4), 0.5f + fabsf(restless->mean[2]));
        return true;
}

static struct scion_tensor *mean_square(struct scion_tensor *x)
{
        return scion_mean(scion_mul(x, x), SCION_ALL_AXES, false);
}

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct restless *restless = self;
        struct scion_tensor *outputs = scion_target_logits(transfer, batch);
        struct scion_tensor *task = scion_task_loss(transfer, outputs, batch);
        struct scion_tensor *beside = scion_target_logits(transfer, scion_source_batch(transfer));
        struct scion_tensor *unlabelled = scion_target_logits(transfer, scion_unlabelled_batch(transfer));
        struct scion_tensor *away = scion_sub(unlabelled, scion_from(SCION_SHAPE(OUTPUTS), restless->mean));
        struct scion_tensor *probed =
                mean_square(scion_shift(scion_model_forward(restless->probe, beside), -1));

        if (task && scion_item(task) < 1.3f)
                scion_log_scalar(transfer, "late", task);
        scion_log_scalar(transfer, "known", mean_square(scion_source_logits(transfer, batch)));
        scion_log_scalar(transfer, "probed", probed);
        return scion_add(task, scion_add(scion_scale(mean_square(away),
                                                     0.01f + 0.1f * (float)scion_progress(transfer)),
                                         scion_scale(probed, 0.1f)));
}

SCION_PLUGIN_STRATEGY("restless", .summary = "a strategy for a test", .size = sizeof(struct restless),
                      .needs = SCION_NEEDS_SOURCE | SCION_NEEDS_SOURCE_BATCHES | SCION_NEEDS_UNLABELLED,
                      .setup = setup, .loss = loss, .begin_stage = begin_stage, .begin_epoch = begin_epoch);
