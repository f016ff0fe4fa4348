/* Fine-tuning: the target's training starts from the source's values. */
#include <scion/scion.h>

enum { NEW, KEEP };

struct fine_tune {
        int head;
        float lr_scale;
        struct scion_strings freeze;
};

static const char *const heads[] = { "new", "keep", NULL };

static const struct scion_param params[] = {
        SCION_CHOICE(struct fine_tune, head, heads, NEW,
                     "the last layer: new, or the source's (same classes)"),
        SCION_FLOAT(struct fine_tune, lr_scale, 1, "factor of the learning rate for copied parameters",
                    .min = 0),
        SCION_STRINGS(struct fine_tune, freeze, NULL,
                      "patterns of parameters or modules that are not trained"),
        SCION_PARAMS_END,
};

static bool setup(void *self, struct scion_transfer *transfer)
{
        const struct fine_tune *tune = self;
        struct scion_model *target = scion_target(transfer);

        if (scion_model_copy(target, scion_source(transfer), tune->head == KEEP) < 0)
                return false;
        for (int i = 0; i < scion_model_parameter_count(target); i++) {
                struct scion_parameter *parameter = scion_model_parameter(target, i);

                if (tune->head == KEEP || !scion_model_in_head(target, parameter))
                        scion_parameter_scale_lr(parameter, tune->lr_scale);
        }
        for (size_t i = 0; i < tune->freeze.count; i++)
                if (!scion_model_freeze(target, tune->freeze.value[i]))
                        return false;
        return true;
}

SCION_PLUGIN_STRATEGY("fine-tune", .summary = "start from the source's values and train all layers",
                      .reference = "Yosinski, Clune, Bengio, Lipson. NeurIPS 2014. arXiv:1411.1792",
                      .params = params, .size = sizeof(struct fine_tune), .needs = SCION_NEEDS_SOURCE,
                      .setup = setup);
