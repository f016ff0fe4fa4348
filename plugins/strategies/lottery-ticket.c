/*
 * Lottery tickets: the small weights of the trained source are pruned, and what is left is trained on the target
 * from the source's first values. Pruned in one shot.
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
        SCION_FLOAT(struct lottery_ticket, share, 0.8, "of the weights that are pruned", .max = 1,
                    .below_max = true),
        SCION_CHOICE(struct lottery_ticket, scope, scopes, GLOBAL,
                     "the smallest of all weights together go, or of each layer's, the same share"),
        SCION_CHOICE(struct lottery_ticket, rewind, rewinds, INITIAL,
                     "what is left begins with the source's first values, or as it was trained"),
        SCION_STRINGS(
                struct lottery_ticket, prune, NULL,
                "patterns of parameters or modules; left out: all weights of layers. The head never is"),
        SCION_PARAMS_END,
};

/* A value of the source, and which one of all that may be pruned. */
struct weight {
        float magnitude;
        size_t index;
};

/* Of equal ones the first is the smaller. */
static int by_magnitude(const void *a, const void *b)
{
        const struct weight *left = a, *right = b;

        if (left->magnitude != right->magnitude)
                return left->magnitude < right->magnitude ? -1 : 1;
        return left->index < right->index ? -1 : left->index > right->index;
}

/* 0 in the mask for the share of the weights that is smallest. */
static void prune_smallest(struct weight *weight, size_t count, float share, float *mask)
{
        size_t pruned = (size_t)llround((double)share * (double)count);

        qsort(weight, count, sizeof *weight, by_magnitude);
        for (size_t i = 0; i < pruned; i++)
                mask[weight[i].index] = 0;
}

/* Biases and normalisations, which have one axis, only when they are named. */
static bool may_prune(const struct lottery_ticket *ticket, struct scion_model *model,
                      const struct scion_parameter *parameter)
{
        if (scion_model_in_head(model, parameter))
                return false;
        for (size_t i = 0; i < ticket->prune.count; i++)
                if (scion_parameter_matches(parameter, ticket->prune.value[i]))
                        return true;
        return ticket->prune.count == 0 && scion_parameter_shape(parameter).ndim > 1;
}

static size_t size_of(const struct scion_parameter *parameter)
{
        struct scion_shape shape = scion_parameter_shape(parameter);

        return (size_t)scion_shape_size(&shape);
}

/* What may be pruned, in order: `weight` holds the source's, `mask` the ones and zeros of the target's. */
static bool make_masks(const struct lottery_ticket *ticket, struct scion_model *source, struct weight *weight,
                       float *mask)
{
        size_t count = 0;

        for (int i = 0; i < scion_model_parameter_count(source); i++) {
                struct scion_parameter *parameter = scion_model_parameter(source, i);
                size_t first = count;

                if (!may_prune(ticket, source, parameter))
                        continue;
                if (!scion_parameter_read(parameter, mask + first))
                        return false;
                for (; count < first + size_of(parameter); count++) {
                        weight[count] = (struct weight){ fabsf(mask[count]), count };
                        mask[count] = 1;
                }
                if (ticket->scope == LAYER)
                        prune_smallest(weight + first, count - first, ticket->share, mask);
        }
        if (ticket->scope == GLOBAL)
                prune_smallest(weight, count, ticket->share, mask);
        return true;
}

static bool set_masks(const struct lottery_ticket *ticket, struct scion_model *target, const float *mask)
{
        for (int i = 0; i < scion_model_parameter_count(target); i++) {
                struct scion_parameter *parameter = scion_model_parameter(target, i);

                if (!may_prune(ticket, target, parameter))
                        continue;
                if (!scion_parameter_mask(parameter, mask))
                        return false;
                mask += size_of(parameter);
        }
        return true;
}

/* The target has the source's parameters, in the same order: it was copied from it. */
static bool prune(const struct lottery_ticket *ticket, struct scion_model *target, struct scion_model *source)
{
        size_t count = 0;

        for (int i = 0; i < scion_model_parameter_count(target); i++)
                if (may_prune(ticket, target, scion_model_parameter(target, i)))
                        count += size_of(scion_model_parameter(target, i));
        if (count == 0)
                return scion_fail("there is nothing to prune outside the head");
        struct weight *weight = malloc(count * sizeof *weight);
        float *mask = malloc(count * sizeof *mask);
        bool good = weight && mask
                            ? make_masks(ticket, source, weight, mask) && set_masks(ticket, target, mask)
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
        return start && scion_model_copy(target, start, false) >= 0 && prune(ticket, target, source);
}

SCION_PLUGIN_STRATEGY(
        "lottery-ticket", .summary = "the source's large weights alone, rewound to where they began",
        .reference = "Frankle, Carbin. ICLR 2019. arXiv:1803.03635; transfer: Morcos, Yu, Paganini, "
                     "Tian. NeurIPS 2019. arXiv:1906.02773",
        .params = params, .size = sizeof(struct lottery_ticket), .needs = SCION_NEEDS_SOURCE, .setup = setup);
