/* FitNets: first the student's layers learn to predict the outputs of the teacher's layers (hints), then
 * distillation. */
#include <scion/scion.h>
#include <stdio.h>

enum { SUM, MEAN };

struct fitnet {
        struct scion_strings layers, source_layers;
        int64_t hint_epochs;
        int reduction;
        float kd, kd_end, temperature;
        int hint; /* number of the first stage */
        struct scion_layers pair;
        struct scion_model *regressor[SCION_MAX_LAYERS];
};

static const char *const reductions[] = { [SUM] = "sum", [MEAN] = "mean", NULL };

static const struct scion_param params[] = {
        SCION_STRINGS(struct fitnet, layers, NULL,
                      "guided modules of the target; left out: the head's input"),
        SCION_STRINGS(struct fitnet, source_layers, NULL,
                      "the same number of modules of the source, the hints; left out: those of layers"),
        SCION_INT(struct fitnet, hint_epochs, 5, "epochs of the first stage", .min = 0),
        SCION_CHOICE(struct fitnet, reduction, reductions, MEAN,
                     "reduction of the squared differences; sum: as in the paper, needs a small lr"),
        SCION_FLOAT(struct fitnet, kd, 4, "initial weight of distillation from the teacher's outputs",
                    .min = 0),
        SCION_FLOAT(struct fitnet, kd_end, 1, "final weight of distillation", .min = 0),
        SCION_FLOAT(struct fitnet, temperature, 3, "temperature at which both models' outputs are compared",
                    .above_min = true),
        SCION_PARAMS_END,
};

/* Creates the regressor from the shape of a guided layer to that of the hint: a linear layer, or a convolution whose
 * kernel reduces the maps to the hint's size. */
static struct scion_module *regressor_create(const struct scion_shape *from, const struct scion_shape *to)
{
        if (from->ndim == 1)
                return scion_nn_linear(from->dim[0], to->dim[0], true);
        return scion_nn_conv2d(from->dim[0], to->dim[0],
                               &(struct scion_window){ .kernel = { (int)(from->dim[1] - to->dim[1] + 1),
                                                                   (int)(from->dim[2] - to->dim[2] + 1) } },
                               true);
}

static bool setup(void *self, struct scion_transfer *transfer)
{
        struct fitnet *fitnet = self;

        if (!scion_layers_pair(transfer, &fitnet->layers, &fitnet->source_layers, &fitnet->pair))
                return false;
        for (int i = 0; i < fitnet->pair.count; i++) {
                struct scion_shape from = scion_layers_target_shape(transfer, &fitnet->pair, i);
                struct scion_shape to = scion_layers_source_shape(transfer, &fitnet->pair, i);
                char name[32];

                if (from.ndim != to.ndim || (from.ndim != 1 && from.ndim != 3))
                        return scion_layers_fail(transfer, &fitnet->pair, i,
                                                 "both outputs must be maps, CxHxW, or both vectors");
                if (from.ndim == 3 && (from.dim[1] < to.dim[1] || from.dim[2] < to.dim[2]))
                        return scion_layers_fail(
                                transfer, &fitnet->pair, i,
                                "the maps of a hint must not be larger than those of the guided layer");
                snprintf(name, sizeof name, "regressor%d", i + 1);
                fitnet->regressor[i] = scion_own_model(transfer, name, regressor_create(&from, &to));
                if (!fitnet->regressor[i])
                        return false;
        }
        fitnet->hint = scion_add_stage(transfer, "hint", fitnet->hint_epochs);
        return fitnet->hint >= 0;
}

/* Returns 1/2 |hint - r(guided)|^2, as a mean over examples, summed over pairs of layers. */
static struct scion_tensor *hint_loss(const struct fitnet *fitnet, struct scion_transfer *transfer,
                                      const struct scion_batch *batch)
{
        struct scion_tensor *sum = scion_scalar(0);

        for (int i = 0; i < fitnet->pair.count; i++) {
                struct scion_tensor *guided = scion_target_features(transfer, batch, fitnet->pair.target[i]);
                struct scion_tensor *hint = scion_source_features(transfer, batch, fitnet->pair.source[i]);
                struct scion_tensor *apart =
                        scion_sub(hint, scion_model_forward(fitnet->regressor[i], guided));
                struct scion_tensor *squares = scion_sum(scion_mul(apart, apart), SCION_ALL_AXES, false);
                int64_t count = fitnet->reduction == MEAN ? scion_size(apart) : batch->size;

                sum = scion_add(sum, scion_scale(squares, 0.5f / (float)count));
        }
        scion_log_scalar(transfer, "hint", sum);
        return sum;
}

/* In the first stage the loss of the hints; then task + lambda KL(teacher || student), where lambda changes linearly
 * from `kd` to `kd_end`. */
static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct fitnet *fitnet = self;
        double done = scion_progress(transfer);

        if (scion_stage(transfer) == fitnet->hint)
                return hint_loss(fitnet, transfer, batch);
        return scion_add_kd(scion_task_loss(transfer, scion_target_logits(transfer, batch), batch), transfer,
                            batch, (float)(fitnet->kd + (fitnet->kd_end - fitnet->kd) * done),
                            fitnet->temperature);
}

SCION_PLUGIN_STRATEGY(
        "fitnet", .summary = "train on hints from the teacher's middle layers, then distil",
        .reference = "Romero, Ballas, Kahou, Chassang, Gatta, Bengio. ICLR 2015. arXiv:1412.6550",
        .params = params, .size = sizeof(struct fitnet), .needs = SCION_NEEDS_SOURCE, .setup = setup,
        .loss = loss);
