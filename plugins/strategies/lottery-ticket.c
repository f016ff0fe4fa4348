/*
 * Lottery tickets: the smallest weights of the trained source are pruned, once, and the others are trained on the
 * target from the source's initial values.
 */
#include <math.h>
#include <scion/scion.h>
#include <stdlib.h>

enum scope { GLOBAL, LAYER };
enum rewind { INITIAL, TRAINED };

struct lottery_ticket {
        float share;
        int scope, rewind;
        struct scion_strings prune;
};

static const char *const scopes[] = { "global", "layer", NULL };
static const char *const rewinds[] = { "initial", "trained", NULL };

static const struct scion_param params[] = {
        SCION_FLOAT(struct lottery_ticket, share, 0.8, "fraction of the weights that is pruned", .max = 1,
                    .below_max = true),
        SCION_CHOICE(struct lottery_ticket, scope, scopes, GLOBAL,
                     "prune the smallest of all weights, or the same fraction of each layer"),
        SCION_CHOICE(struct lottery_ticket, rewind, rewinds, INITIAL,
                     "start from the source's initial values, or from its trained ones"),
        SCION_STRINGS(struct lottery_ticket, prune, NULL,
                      "patterns of parameters or modules to prune; left out: all weights of layers; the head "
                      "is never pruned"),
        SCION_PARAMS_END,
};

/* A value of the source, with its index among all values that may be pruned. */
struct weight {
        float magnitude;
        size_t index;
};

/* Compares by magnitude, then by index. */
static int weight_compare(const void *a, const void *b)
{
        const struct weight *left = a, *right = b;

        if (left->magnitude != right->magnitude)
                return left->magnitude < right->magnitude ? -1 : 1;
        return left->index < right->index ? -1 : left->index > right->index;
}

/* Sets the mask to 0 for the smallest weights. */
static void weights_prune(struct weight *weight, size_t count, float share, float *mask)
{
        size_t pruned = (size_t)llround((double)share * (double)count);

        qsort(weight, count, sizeof *weight, weight_compare);
        for (size_t i = 0; i < pruned; i++)
                mask[weight[i].index] = 0;
}

/* Returns whether a parameter may be pruned. Those with one axis (biases, normalisations) only if a pattern selects
 * them. */
static bool parameter_is_prunable(const struct lottery_ticket *ticket, struct scion_model *model,
                                  const struct scion_parameter *parameter)
{
        if (scion_model_in_head(model, parameter))
                return false;
        for (size_t i = 0; i < ticket->prune.count; i++)
                if (scion_parameter_matches(parameter, ticket->prune.value[i]))
                        return true;
        return ticket->prune.count == 0 && scion_parameter_shape(parameter).ndim > 1;
}

static size_t parameter_size(const struct scion_parameter *parameter)
{
        struct scion_shape shape = scion_parameter_shape(parameter);

        return (size_t)scion_shape_size(&shape);
}

/* Computes the mask for all values that may be pruned, in the order of the parameters, from the source's values.
 * `weight` is working memory. */
static bool masks_compute(const struct lottery_ticket *ticket, struct scion_model *source,
                          struct weight *weight, float *mask)
{
        size_t count = 0;

        for (int i = 0; i < scion_model_parameter_count(source); i++) {
                struct scion_parameter *parameter = scion_model_parameter(source, i);
                size_t first = count;

                if (!parameter_is_prunable(ticket, source, parameter))
                        continue;
                if (!scion_parameter_read(parameter, mask + first))
                        return false;
                for (; count < first + parameter_size(parameter); count++) {
                        weight[count] = (struct weight){ fabsf(mask[count]), count };
                        mask[count] = 1;
                }
                if (ticket->scope == LAYER)
                        weights_prune(weight + first, count - first, ticket->share, mask);
        }
        if (ticket->scope == GLOBAL)
                weights_prune(weight, count, ticket->share, mask);
        return true;
}

static bool masks_set(const struct lottery_ticket *ticket, struct scion_model *target, const float *mask)
{
        for (int i = 0; i < scion_model_parameter_count(target); i++) {
                struct scion_parameter *parameter = scion_model_parameter(target, i);

                if (!parameter_is_prunable(ticket, target, parameter))
                        continue;
                if (!scion_parameter_mask(parameter, mask))
                        return false;
                mask += parameter_size(parameter);
        }
        return true;
}

/* Masks the target's parameters, which are the same, in the same order, as the source's. */
static bool target_prune(const struct lottery_ticket *ticket, struct scion_model *target,
                         struct scion_model *source)
{
        size_t count = 0;

        for (int i = 0; i < scion_model_parameter_count(target); i++)
                if (parameter_is_prunable(ticket, target, scion_model_parameter(target, i)))
                        count += parameter_size(scion_model_parameter(target, i));
        if (count == 0)
                return scion_fail("there is nothing to prune outside the head");
        struct weight *weight = malloc(count * sizeof *weight);
        float *mask = malloc(count * sizeof *mask);
        bool good = weight && mask
                            ? masks_compute(ticket, source, weight, mask) && masks_set(ticket, target, mask)
                            : scion_fail("out of memory: %zu weights to prune", count);

        free(weight);
        free(mask);
        return good;
}

static bool setup(void *self, struct scion_transfer *transfer)
{
        const struct lottery_ticket *ticket = self;
        struct scion_model *target = scion_target(transfer), *source = scion_source(transfer);
        struct scion_model *start = ticket->rewind == INITIAL ? scion_source_initial(transfer) : source;

        for (size_t i = 0; i < ticket->prune.count; i++)
                if (!scion_model_has_match(target, ticket->prune.value[i]))
                        return false;
        return start && scion_model_copy(target, start, false) >= 0 && target_prune(ticket, target, source);
}

SCION_PLUGIN_STRATEGY(
        "lottery-ticket", .summary = "keep only the source's large weights, rewound to their initial values",
        .reference = "Frankle, Carbin. ICLR 2019. arXiv:1803.03635; transfer: Morcos, Yu, Paganini, "
                     "Tian. NeurIPS 2019. arXiv:1906.02773",
        .params = params, .size = sizeof(struct lottery_ticket), .needs = SCION_NEEDS_SOURCE, .setup = setup);
