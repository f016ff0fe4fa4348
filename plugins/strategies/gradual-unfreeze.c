/* ULMFiT's fine-tuning: groups of layers are unfrozen from the head down, and lower groups have lower learning
 * rates. */
#include <math.h>
#include <scion/scion.h>
#include <string.h>

struct gradual_unfreeze {
        struct scion_strings groups;
        int64_t every;
        float decay;
        const char *
                *group; /* patterns from the input to the head: `groups`, or the model's top-level modules */
        size_t count;
};

static const struct scion_param params[] = {
        SCION_STRINGS(
                struct gradual_unfreeze, groups, NULL,
                "patterns of parameters or modules, from the input to the head; the last is unfrozen first; "
                "left out: the model's top-level modules"),
        SCION_INT(struct gradual_unfreeze, every, 1, "epochs after which the next group is unfrozen",
                  .min = 1),
        SCION_FLOAT(struct gradual_unfreeze, decay, 2.6,
                    "factor by which a group's learning rate is lower than that of the group above it",
                    .min = 1),
        SCION_PARAMS_END,
};

/* Finds the children of the root that have parameters. */
static bool groups_find_parts(struct gradual_unfreeze *gradual, struct scion_model *model)
{
        for (int i = 0; i < scion_model_module_count(model); i++) {
                const char *path = scion_module_path(scion_model_module_at(model, i));
                bool has = false;

                for (int k = 0; *path && !strchr(path, '.') && k < scion_model_parameter_count(model); k++)
                        has = has || scion_parameter_matches(scion_model_parameter(model, k), path);
                if (has)
                        gradual->group[gradual->count++] = path;
        }
        return gradual->count > 0 || scion_fail("the model has no modules with parameters");
}

static bool groups_find(struct gradual_unfreeze *gradual, struct scion_transfer *transfer)
{
        struct scion_model *model = scion_target(transfer);
        size_t most = gradual->groups.count + (size_t)scion_model_module_count(model);

        gradual->group = scion_transfer_alloc(transfer, most, sizeof *gradual->group);
        if (!gradual->group)
                return false;
        if (gradual->groups.count == 0)
                return groups_find_parts(gradual, model);
        for (size_t i = 0; i < gradual->groups.count; i++)
                gradual->group[gradual->count++] = gradual->groups.value[i];
        return true;
}

/* Sets the learning rate of each group to decay^-distance times that of the last group. */
static bool setup(void *self, struct scion_transfer *transfer)
{
        struct gradual_unfreeze *gradual = self;
        struct scion_model *target = scion_target(transfer);

        if (scion_model_copy(target, scion_source(transfer), false) < 0 || !groups_find(gradual, transfer))
                return false;
        for (size_t i = 0; i < gradual->count; i++)
                if (!scion_model_scale_lr(target, gradual->group[i],
                                          powf(gradual->decay, -(float)(gradual->count - 1 - i))))
                        return false;
        return true;
}

/* Freezes all parameters but those of the last group; after `every` epochs, all but those of the last two, and so on.
 * Parameters in no group stay frozen. */
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

SCION_PLUGIN_STRATEGY(
        "gradual-unfreeze",
        .summary = "fine-tune from the head down, lower layers later and with lower learning rates",
        .reference = "Howard, Ruder. ACL 2018. arXiv:1801.06146", .params = params,
        .size = sizeof(struct gradual_unfreeze), .needs = SCION_NEEDS_SOURCE, .setup = setup,
        .begin_epoch = begin_epoch);
