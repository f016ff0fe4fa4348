/* ULMFiT's fine-tuning: thawed group by group from the head down, and the lower the slower. */
#include <math.h>
#include <scion/scion.h>
#include <string.h>

struct gradual_unfreeze {
        struct scion_strings groups;
        int64_t every;
        float decay;
        const char **group; /* patterns from the input to the head: those given, or the parts of the model */
        size_t count;
};

static const struct scion_param params[] = {
        SCION_STRINGS(
                struct gradual_unfreeze, groups, NULL,
                "patterns from the input to the head that thaw the last first; left out: the parts that the "
                "model is made of"),
        SCION_INT(struct gradual_unfreeze, every, 1, "epochs from one thaw to the next", .min = 1),
        SCION_FLOAT(struct gradual_unfreeze, decay, 2.6,
                    "how many times slower a group learns than the one above it", .min = 1),
        SCION_PARAMS_END,
};

/* The modules right below the root that have parameters. */
static bool find_parts(struct gradual_unfreeze *gradual, struct scion_model *model)
{
        for (int i = 0; i < scion_model_module_count(model); i++) {
                const char *path = scion_module_path(scion_model_module_at(model, i));
                bool has = false;

                for (int k = 0; *path && !strchr(path, '.') && k < scion_model_parameter_count(model); k++)
                        has = has || scion_parameter_matches(scion_model_parameter(model, k), path);
                if (has)
                        gradual->group[gradual->count++] = path;
        }
        return gradual->count > 0 || scion_fail("the model has no parts to thaw one after the other");
}

static bool find_groups(struct gradual_unfreeze *gradual, struct scion_transfer *transfer)
{
        struct scion_model *model = scion_target(transfer);
        size_t most = gradual->groups.count + (size_t)scion_model_module_count(model);

        gradual->group = scion_transfer_alloc(transfer, most, sizeof *gradual->group);
        if (!gradual->group)
                return false;
        if (gradual->groups.count == 0)
                return find_parts(gradual, model);
        for (size_t i = 0; i < gradual->groups.count; i++)
                gradual->group[gradual->count++] = gradual->groups.value[i];
        return true;
}

/* A group learns decay^-distance times as fast as the head; what is in no group stays frozen. */
static bool setup(void *self, struct scion_transfer *transfer)
{
        struct gradual_unfreeze *gradual = self;
        struct scion_model *target = scion_target(transfer);

        if (scion_model_copy(target, scion_source(transfer), false) < 0 || !find_groups(gradual, transfer))
                return false;
        for (size_t i = 0; i < gradual->count; i++)
                if (!scion_model_scale_lr(target, gradual->group[i],
                                          powf(gradual->decay, -(float)(gradual->count - 1 - i))))
                        return false;
        return true;
}

/* In the first epochs the last group learns, then the last two, ... */
static bool begin_epoch(void *self, struct scion_transfer *transfer, int64_t epoch)
{
        const struct gradual_unfreeze *gradual = self;
        struct scion_model *target = scion_target(transfer);
        int64_t frozen = (int64_t)gradual->count - 1 - (epoch - 1) / gradual->every;

        for (int i = 0; i < scion_model_parameter_count(target); i++) {
                struct scion_parameter *parameter = scion_model_parameter(target, i);
                bool thawed = false;

                for (size_t group = frozen > 0 ? (size_t)frozen : 0; group < gradual->count; group++)
                        thawed = thawed || scion_parameter_matches(parameter, gradual->group[group]);
                scion_parameter_freeze(parameter, !thawed);
        }
        return true;
}

SCION_PLUGIN_STRATEGY("gradual-unfreeze",
                      .summary = "fine-tune from the head down, the lower layers later and slower",
                      .reference = "Howard, Ruder. ACL 2018. arXiv:1801.06146", .params = params,
                      .size = sizeof(struct gradual_unfreeze), .needs = SCION_NEEDS_SOURCE, .setup = setup,
                      .begin_epoch = begin_epoch);
