/*
 * DELTA: feature maps are kept close to the source's, each channel with a weight that says how much it matters for
 * the target. The weights are measured once, between two stages: by the loss of the source's layers with a trained
 * head for the target when the channel is removed.
 */
#include <math.h>
#include <scion/scion.h>
#include <stdio.h>
#include <string.h>

struct delta {
        float alpha, beta;
        struct scion_strings layers;
        int64_t probe_epochs, examples;
        struct scion_strings paths; /* of the modules that `layers` selects */
        float **weight;             /* for each module, the weights of its channels */
        float *filters, *without;   /* weights of a layer, complete and without one channel */
        double loss;                /* of a measurement, summed over examples */
        int64_t seen;               /* examples in this sum */
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct delta, alpha, 0.01, "weight of the distance between feature maps", .min = 0),
        SCION_FLOAT(struct delta, beta, 0.01, "weight decay of the new head", .min = 0),
        SCION_STRINGS(struct delta, layers, NULL,
                      "convolutions or linear layers whose outputs are kept close to the source's",
                      .required = true),
        SCION_INT(struct delta, probe_epochs, 5,
                  "epochs in which only the head is trained, before channels are measured", .min = 0),
        SCION_INT(struct delta, examples, 1024, "examples for measuring the channels; 0: all", .min = 0),
        SCION_PARAMS_END,
};

static struct scion_parameter *module_find_parameter(struct scion_model *model, const char *path,
                                                     const char *name)
{
        char full[512];

        snprintf(full, sizeof full, "%s.%s", path, name);
        return scion_model_find(model, full);
}

static bool setup(void *self, struct scion_transfer *transfer)
{
        struct delta *delta = self;
        struct scion_model *target = scion_target(transfer);
        int64_t most = 0;

        if (scion_model_copy(target, scion_source(transfer), false) < 0 ||
            !scion_model_select(target, &delta->layers, &delta->paths) ||
            !(delta->weight = scion_transfer_alloc(transfer, delta->paths.count, sizeof *delta->weight)))
                return false;
        for (size_t i = 0; i < delta->paths.count; i++) {
                struct scion_parameter *filters =
                        module_find_parameter(target, delta->paths.value[i], "weight");
                char name[32];

                snprintf(name, sizeof name, "weight%zu", i);
                struct scion_shape shape = scion_parameter_shape(filters);

                most = scion_shape_size(&shape) > most ? scion_shape_size(&shape) : most;
                if (!filters || !(delta->weight[i] = scion_own_values(transfer, name, shape.dim[0])))
                        return false;
        }
        delta->filters = scion_transfer_alloc(transfer, (size_t)most, sizeof *delta->filters);
        delta->without = scion_transfer_alloc(transfer, (size_t)most, sizeof *delta->without);
        if (!delta->filters || !delta->without)
                return false;
        return scion_add_stage(transfer, "probe", delta->probe_epochs) >= 0;
}

/* --- Weights of channels -------------------------------------------------------------------------------- */

static bool loss_add_batch(void *context, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        struct delta *delta = context;

        if (delta->examples > 0 && delta->seen >= delta->examples)
                return true;
        scion_no_grad_begin();
        struct scion_tensor *loss = scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
        scion_no_grad_end();
        delta->loss += (double)scion_item(loss) * (double)batch->size;
        delta->seen += batch->size;
        return loss != NULL;
}

static bool loss_measure(struct delta *delta, struct scion_transfer *transfer, double *loss)
{
        delta->loss = 0;
        delta->seen = 0;
        bool good = scion_visit(transfer, loss_add_batch, delta);

        *loss = good ? delta->loss / (double)delta->seen : 0;
        return good;
}

/* Measures the loss with the filter of one channel, a row of the layer's weight, set to 0. */
static bool loss_measure_without(struct delta *delta, struct scion_transfer *transfer,
                                 struct scion_parameter *parameter, int64_t channel, double *loss)
{
        struct scion_shape shape = scion_parameter_shape(parameter);
        int64_t row = scion_shape_size(&shape) / shape.dim[0];
        size_t bytes = (size_t)row * sizeof *delta->without;

        memset(delta->without + channel * row, 0, bytes);
        bool good = scion_parameter_write(parameter, delta->without) && loss_measure(delta, transfer, loss);

        memcpy(delta->without + channel * row, delta->filters + channel * row, bytes);
        return good;
}

/* Computes the weights of a layer's channels: the softmax of the increase of the loss when the channel is removed. */
static bool channels_weigh(struct delta *delta, struct scion_transfer *transfer, size_t layer)
{
        struct scion_parameter *filters =
                module_find_parameter(scion_target(transfer), delta->paths.value[layer], "weight");
        int64_t channels = scion_parameter_shape(filters).dim[0];
        float *weight = delta->weight[layer];
        double with, without, most = -INFINITY, sum = 0;

        if (!loss_measure(delta, transfer, &with) || !scion_parameter_read(filters, delta->filters) ||
            !scion_parameter_read(filters, delta->without))
                return false;
        for (int64_t j = 0; j < channels; j++) {
                if (!loss_measure_without(delta, transfer, filters, j, &without))
                        return false;
                weight[j] = (float)(without - with);
                most = fmax(most, (double)weight[j]);
        }
        if (!scion_parameter_write(filters, delta->filters))
                return false;
        for (int64_t j = 0; j < channels; j++)
                sum += weight[j] = (float)exp((double)weight[j] - most);
        for (int64_t j = 0; j < channels; j++)
                weight[j] /= (float)sum;
        return true;
}

/* Stage 0 trains the head only. The main stage trains everything; before it, the channels are measured. */
static bool begin_stage(void *self, struct scion_transfer *transfer, int stage)
{
        struct delta *delta = self;
        struct scion_model *target = scion_target(transfer);
        bool good = true;

        for (int i = 0; i < scion_model_parameter_count(target); i++) {
                struct scion_parameter *parameter = scion_model_parameter(target, i);

                scion_parameter_freeze(parameter, stage == 0 && !scion_model_in_head(target, parameter));
        }
        for (size_t layer = 0; stage > 0 && good && layer < delta->paths.count; layer++)
                good = channels_weigh(delta, transfer, layer);
        return good;
}

/* --- The loss ------------------------------------------------------------------------------------------- */

static struct scion_tensor *square(struct scion_tensor *x)
{
        return scion_mul(x, x);
}

/* Returns the sum over channels of w_j |FM_j - FM_j^0|^2, as a mean over examples. */
static struct scion_tensor *features_distance(const struct delta *delta, struct scion_transfer *transfer,
                                              const struct scion_batch *batch, size_t layer)
{
        const char *path = delta->paths.value[layer];
        struct scion_tensor *away = scion_sub(scion_target_features(transfer, batch, path),
                                              scion_source_features(transfer, batch, path));
        int64_t channels = scion_dim(away, 1);
        struct scion_tensor *each = square(scion_reshape(away, SCION_SHAPE(batch->size, channels, -1)));
        struct scion_tensor *weight = scion_from(SCION_SHAPE(channels), delta->weight[layer]);

        each = scion_mean(scion_sum(each, SCION_AXIS(2), false), SCION_AXIS(0), false);
        return scion_sum(scion_mul(each, weight), SCION_ALL_AXES, false);
}

/* task + alpha sum over layers of the distance + beta |w_new|^2 */
static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct delta *delta = self;
        struct scion_model *target = scion_target(transfer);
        struct scion_tensor *task = scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
        struct scion_tensor *away = scion_full(SCION_SCALAR, 0), *decay = scion_full(SCION_SCALAR, 0);

        if (scion_stage(transfer) == 0)
                return task;
        for (size_t layer = 0; layer < delta->paths.count; layer++)
                away = scion_add(away, features_distance(delta, transfer, batch, layer));
        for (int i = 0; i < scion_model_parameter_count(target); i++) {
                struct scion_parameter *parameter = scion_model_parameter(target, i);

                if (scion_model_in_head(target, parameter))
                        decay = scion_add(decay, scion_sum(square(scion_parameter_tensor(parameter)),
                                                           SCION_ALL_AXES, false));
        }
        scion_log_scalar(transfer, "delta", away);
        return scion_add(task, scion_add(scion_scale(away, delta->alpha), scion_scale(decay, delta->beta)));
}

SCION_PLUGIN_STRATEGY("delta", .summary = "fine-tune, with important feature maps kept close to the source's",
                      .reference = "Li et al. ICLR 2019. arXiv:1901.09229", .params = params,
                      .size = sizeof(struct delta), .needs = SCION_NEEDS_SOURCE, .setup = setup, .loss = loss,
                      .begin_stage = begin_stage);
