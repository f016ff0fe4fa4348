/*
 * A strategy as it was written for the first Scion of this plugin interface, compiled with the headers of that version,
 * which are kept in include/ and are not changed: the plugin works as long as SCION_ABI is the same.
 */
#include <scion/strategy.h>

struct old {
        float keep;
        int64_t rounds;
        const char *pattern;
        struct scion_strings more;
        int sign;
};

static const char *const signs[] = { "plus", "minus", NULL };

static const struct scion_param params[] = {
        SCION_FLOAT(struct old, keep, 0.25, "share of the loss that is kept", .min = 0, .max = 1,
                    .below_max = true),
        SCION_INT(struct old, rounds, 2, "squarings"),
        SCION_STRING(struct old, pattern, "fc1", "what is frozen"),
        SCION_STRINGS(struct old, more, "[fc1.weight]", "what is frozen, too"),
        SCION_CHOICE(struct old, sign, signs, 0, "of the rest"),
        SCION_PARAMS_END
};

static bool setup(void *self, struct scion_transfer *transfer)
{
        const struct old *old = self;
        struct scion_model *target = scion_target(transfer), *source = scion_source(transfer);

        for (size_t i = 0; i < old->more.count; i++)
                if (!scion_model_freeze(target, old->more.value[i]))
                        return false;
        return source && scion_model_copy(target, source, false) >= 0 &&
               scion_model_freeze(target, old->pattern);
}

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct old *old = self;
        struct scion_tensor *outputs = scion_target_logits(transfer, batch);
        struct scion_tensor *rest = scion_mean(scion_softmax(outputs, 1), SCION_ALL_AXES, false);

        for (int64_t i = 0; i < old->rounds; i++)
                rest = scion_mul(rest, rest);
        scion_log_scalar(transfer, "rest", rest);
        rest = old->sign == 0 ? rest : scion_neg(rest);
        return scion_add(scion_scale(scion_task_loss(transfer, outputs, batch), old->keep), rest);
}

SCION_PLUGIN_STRATEGY("old", .summary = "as the first plugins were", .needs = SCION_NEEDS_SOURCE,
                      .params = params, .size = sizeof(struct old), .setup = setup, .loss = loss);
